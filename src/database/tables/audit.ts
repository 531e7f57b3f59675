import type { ColumnType, GeneratedAlways } from 'kysely'

/** Rows are added; a trigger refuses anything else. */
export interface AuditEntryTable {
  id: GeneratedAlways<number>
  at: ColumnType<Date, never, never>
  actor_id: string
  actor_role: 'customer' | 'agent' | 'admin' | 'service'
  action: string
  subject_id: string | null
  details: ColumnType<Record<string, unknown>, string, never>
}
