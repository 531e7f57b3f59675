/** Of recipients, in the order of their account's id. */
export interface AccountRange {
  /** Exclusive. */
  readonly after: string
  /** Inclusive. */
  readonly through: string
}

export const BEFORE_ALL_ACCOUNTS = '00000000-0000-0000-0000-000000000000'

export const ALL_ACCOUNTS: AccountRange = {
  after: BEFORE_ALL_ACCOUNTS,
  through: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
}
