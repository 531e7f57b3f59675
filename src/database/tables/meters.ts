import type { Generated } from 'kysely'

export interface MeterTable {
  id: Generated<string>
  kind: 'prepaid' | 'postpaid'
  number: string
  police: string | null
  agency_id: string | null
  tariff_class: 'DPP' | 'PPP' | 'DMP' | 'PMP' | null
  phase: 'single' | 'three' | null
  created_at: Generated<Date>
}

export interface MeterLinkTable {
  id: Generated<string>
  meter_id: string
  account_id: string
  role: 'owner' | 'shared'
  state: 'pending' | 'accepted' | 'refused' | 'revoked'
  is_default: Generated<boolean>
  created_at: Generated<Date>
  asked_at: Generated<Date>
  decided_at: Date | null
  decided_by: string | null
}
