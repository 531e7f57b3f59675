export interface PushPreferenceTable {
  account_id: string
  muted_types: string[]
  /** `HH:MM:SS` */
  quiet_from: string | null
  /** `HH:MM:SS` */
  quiet_until: string | null
  updated_at: Date
}
