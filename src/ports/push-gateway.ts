/**
 * Where a push message leaves for a device. A failed push is a value, not an exception: the caller
 * records it. `send` throws only when the gateway itself is unusable (bad credentials, closed), and then
 * a `PushGatewayUnusable`. An aborted `signal` is an outcome too: `retry`, with what is known of the message.
 */
export interface PushGateway extends AsyncDisposable {
  send(push: Push, signal?: AbortSignal): Promise<PushOutcome>
}

/** FCM is moving from registration tokens to installation ids; both name one app on one device. */
export interface PushTarget {
  readonly kind: 'token' | 'fid'
  readonly value: string
}

export interface Push {
  /** Stable over retries of the same message to the same device, so that a receiver can drop a duplicate. */
  readonly messageId: string
  readonly target: PushTarget
  readonly title: string
  readonly body: string
  /** FCM data: string values alone. */
  readonly data: Readonly<Record<string, string>>
  /** What the device is asked: to be woken for it, or to show it when it is awake. */
  readonly urgency: 'high' | 'normal'
  /** How long the provider may keep it for a device that is away. 0: now or never. */
  readonly ttlMs: number
  /** Past it nobody is to see it: from then on it does not leave, and before it is kept no longer than what is left. */
  readonly expiresAt?: Date
  /**
   * A later message with the same key replaces an earlier one that has not arrived. For "latest state" messages alone:
   * FCM lets through 20 of them per device, then one in 3 minutes.
   */
  readonly collapseKey?: string
  /** What the app opens, such as `samaconso://outages/7`. */
  readonly link?: string
  /** Who goes first where the provider's quota is short; the device learns nothing of it. */
  readonly lane: 'urgent' | 'bulk'
}

/**
 * - `sent`: the provider has it.
 * - `dead_target`: this target will never work again; remove it from its device.
 * - `refused`: this message will never be accepted (payload, credentials of the project); the target stays.
 *   With `quarantine` it is the target that was refused, yet in a way that a mistake of ours (another
 *   project's credentials, a damaged token) looks like too: set it aside until its app reports in again.
 * - `retry`: not now. `afterMs` is the least wait; growth over attempts and jitter are the caller's. `maybeSent`
 *   says that the outcome is unknown, so that a retry may be a duplicate. With `overQuota` the provider asks
 *   for a slower rate: of all pushes of the project, or of those to this target.
 *
 * `reason` is a short stable code for operators and counters, such as `UNREGISTERED`; never a target or a secret.
 */
export type PushOutcome =
  | { readonly state: 'sent'; readonly providerId: string }
  | { readonly state: 'dead_target'; readonly reason: string }
  | { readonly state: 'refused'; readonly reason: string; readonly quarantine?: true }
  | {
      readonly state: 'retry'
      readonly reason: string
      readonly afterMs: number
      readonly maybeSent: boolean
      readonly overQuota?: 'project' | 'target'
    }

/** No push can leave: not this one's fault, so the caller keeps it, stops sending and raises an alarm. */
export class PushGatewayUnusable extends Error {
  override readonly name = 'PushGatewayUnusable'
  readonly reason: 'credentials' | 'closed'

  constructor(reason: PushGatewayUnusable['reason'], detail: string) {
    super(`the push gateway cannot be used (${reason}): ${detail}`)
    this.reason = reason
  }
}
