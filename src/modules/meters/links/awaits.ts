import type { LinkState } from './states.ts'

/** What a request is waiting for: its code, the owner's word, the agency's; null when it is decided. */
export type Awaits = 'code' | 'owner' | 'agency' | null

export interface Waiting {
  readonly state: LinkState
  readonly role: 'owner' | 'shared'
  readonly hasOwner: boolean
  readonly hasAgency: boolean
}

/** Without owner and agency it waits for the owner to come. */
export function awaitsWhat({ state, role, hasOwner, hasAgency }: Waiting): Awaits {
  if (state !== 'pending') return null
  if (role === 'owner') return 'code'
  return hasOwner || !hasAgency ? 'owner' : 'agency'
}
