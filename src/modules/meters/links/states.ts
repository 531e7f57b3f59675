export type LinkState = 'pending' | 'accepted' | 'refused' | 'revoked'

/**
 * What can happen to a link. `ask`: the account asks for it. `confirm`: the account proved that it is the owner.
 * `accept`, `refuse`, `revoke`: whoever decides on the meter says so. `leave`: the account gives it up.
 */
export type LinkAct = 'ask' | 'confirm' | 'accept' | 'refuse' | 'revoke' | 'leave'

/** The one table of what leads where; what is not in it cannot happen. `none`: there is no link yet. */
const NEXT: Readonly<Record<LinkAct, Readonly<Partial<Record<LinkState | 'none', LinkState>>>>> = {
  ask: { none: 'pending', pending: 'pending', refused: 'pending', revoked: 'pending' },
  // Somebody with whom the meter is shared may turn out to be its owner.
  confirm: { pending: 'accepted', accepted: 'accepted' },
  accept: { pending: 'accepted' },
  refuse: { pending: 'refused' },
  revoke: { accepted: 'revoked' },
  leave: { pending: 'revoked', accepted: 'revoked' },
}

/** Undefined when the act is not allowed in this state. */
export function nextState(state: LinkState | undefined, act: LinkAct): LinkState | undefined {
  return NEXT[act][state ?? 'none']
}
