import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db, Tx } from '#src/database/database.ts'
import type { DatedAmount } from './aggregate.ts'
import type { DayRange } from './range.ts'

/** As of when a meter's entries are known. */
export interface ReadingState {
  readonly readAt: Date
  readonly wholeHistoryAt: Date
  /** Whether its months are summed: not while its entries were only loaded past the product. */
  readonly hasMonths: boolean
}

/** By meter id; a meter that was never read is not in it. */
export async function readingStates(db: Db | Tx, meterIds: readonly string[]): Promise<Map<string, ReadingState>> {
  if (meterIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('meter_reading_state')
    .select(['meter_id', 'read_at', 'whole_history_at', 'has_months'])
    .where('meter_id', '=', sql<string>`any(${meterIds}::uuid[])`)
    .execute()
  return new Map(
    rows.map((row) => [
      row.meter_id,
      { readAt: row.read_at, wholeHistoryAt: row.whole_history_at, hasMonths: row.has_months },
    ]),
  )
}

/** The entries of each meter inside the range, by day. Bounded by the range, which is at most ten years. */
export async function entriesByMeter(
  db: Db,
  meterIds: readonly string[],
  { from, to }: DayRange,
): Promise<Map<string, DatedAmount[]>> {
  const byMeter = new Map<string, DatedAmount[]>(meterIds.map((id) => [id, []]))
  if (meterIds.length === 0) return byMeter
  const rows = await db
    .selectFrom('consumption_entry')
    .select(['meter_id', 'day', 'amount_xof', sql<number>`(energy_kwh * 1000)::bigint`.as('energy_wh')])
    .where('meter_id', '=', sql<string>`any(${meterIds}::uuid[])`)
    .where('day', '>=', sql<Day>`${from}::date`)
    .where('day', '<', sql<Day>`${to}::date`)
    .orderBy('day')
    .execute()
  for (const row of rows) {
    byMeter.get(row.meter_id)?.push({ day: row.day, energyWh: row.energy_wh, amountXof: row.amount_xof })
  }
  return byMeter
}
