import type { Generated } from 'kysely'

export interface AgencyTable {
  id: Generated<string>
  code: string
  name: string
  source_name: string
  created_at: Generated<Date>
}

export interface AccountTable {
  id: Generated<string>
  role: 'customer' | 'agent' | 'admin' | 'service'
  phone: string | null
  login: string | null
  secret_hash: string
  first_name: Generated<string>
  last_name: Generated<string>
  language: Generated<'fr' | 'en'>
  agency_id: string | null
  disabled_at: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface DeviceTable {
  id: Generated<string>
  account_id: string
  installation_id: string | null
  name: string | null
  platform: 'android' | 'ios' | 'web'
  target_kind: 'token' | 'fid' | null
  target: string | null
  target_renewed_at: Date | null
  created_at: Generated<Date>
  last_seen_at: Generated<Date>
}

export interface SessionTable {
  id: Generated<string>
  account_id: string
  device_id: string | null
  created_at: Generated<Date>
  expires_at: Date
  ended_at: Date | null
  end_reason: 'logout' | 'refresh_reuse' | 'secret_changed' | 'replaced' | null
}

export interface RefreshTokenTable {
  hash: Buffer
  session_id: string
  issued_at: Generated<Date>
  spent_at: Date | null
}

export interface LoginGuardTable {
  key: Buffer
  failures: number
  last_failure_at: Date
  locked_until: Date | null
}
