import type { Generated } from 'kysely'

export interface OneTimeCodeTable {
  id: string
  account_id: string
  purpose: 'meter_owner'
  subject_id: string
  phone: string
  code_hash: Buffer
  tries: Generated<number>
  sent_at: Date
  expires_at: Date
  spent_at: Date | null
}
