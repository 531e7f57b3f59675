import type { ColumnType, Generated } from 'kysely'

export interface ConsumptionEntryTable {
  meter_id: string
  /** `YYYY-MM-DD` */
  day: string
  source_key: string
  occurred_at: Date
  /** Exact decimal text. */
  energy_kwh: string
  amount_xof: number
  delivered: ColumnType<Record<string, string | null>, string, string>
  fetched_at: Date
}

export interface MeterReadingStateTable {
  meter_id: string
  read_at: Date
  whole_history_at: Date
  has_months: Generated<boolean>
  /** Nobody was seen of late who looks at the meter, nor has anybody since. */
  is_idle: Generated<boolean>
}

export interface ConsumptionMonthTable {
  meter_id: string
  /** Its first day, `YYYY-MM-DD`. */
  month: string
  /** Exact decimal text. */
  energy_kwh: string
  amount_xof: number
  entries: number
}
