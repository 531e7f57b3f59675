import { sql } from 'kysely'
import { type Day, firstOfMonth } from '#src/core/calendar.ts'
import type { Db, Tx } from '#src/database/database.ts'
import type { DatedAmount } from './aggregate.ts'
import type { Grouping } from './periods.ts'
import { entriesByMeter, type ReadingState } from './queries.ts'
import type { DayRange } from './range.ts'

/** Months that the periods of this grouping are made of, when the range is clipped to none of them. */
export function isWholeMonths({ from, to }: DayRange, grouping: Grouping): boolean {
  const isCut = firstOfMonth(from) !== from || firstOfMonth(to) !== to
  return !isCut && grouping !== 'day' && grouping !== 'week'
}

/**
 * What each meter consumed inside the range, in the finest parts that the grouping needs, by day: months where they
 * are summed, else the entries. Of somebody who buys every third day that is a tenth of the rows.
 */
export async function amountsByMeter(
  db: Db,
  states: ReadonlyMap<string, ReadingState>,
  range: DayRange,
  grouping: Grouping,
): Promise<Map<string, DatedAmount[]>> {
  const ids = [...states.keys()]
  const summed = isWholeMonths(range, grouping) ? ids.filter((id) => states.get(id)?.hasMonths === true) : []
  const others = ids.filter((id) => !summed.includes(id))
  const [months, entries] = await Promise.all([monthsByMeter(db, summed, range), entriesByMeter(db, others, range)])
  return new Map([...months, ...entries])
}

async function monthsByMeter(db: Db, meterIds: readonly string[], { from, to }: DayRange) {
  const byMeter = new Map<string, DatedAmount[]>(meterIds.map((id) => [id, []]))
  if (meterIds.length === 0) return byMeter
  const rows = await db
    .selectFrom('consumption_month')
    .select(['meter_id', 'month', 'amount_xof', sql<number>`(energy_kwh * 1000)::bigint`.as('energy_wh')])
    .where('meter_id', '=', sql<string>`any(${meterIds}::uuid[])`)
    .where('month', '>=', sql<Day>`${from}::date`)
    .where('month', '<', sql<Day>`${to}::date`)
    .orderBy('month')
    .execute()
  for (const row of rows) {
    byMeter.get(row.meter_id)?.push({ day: row.month, energyWh: row.energy_wh, amountXof: row.amount_xof })
  }
  return byMeter
}

/**
 * Sums the months of these days anew from the meter's entries, or every month. Returns those whose sums were others;
 * the rest is left as it is, for vacuum's sake. The meter's row must be locked.
 */
export async function sumMonths(tx: Tx, meterId: string, days: readonly Day[] | 'all'): Promise<Day[]> {
  if (days !== 'all' && days.length === 0) return []
  const months = days === 'all' ? undefined : monthsOf(days)
  const isAsked = months === undefined ? sql`true` : sql`kept.month = any(${months}::date[])`
  const { rows } = await sql<{ month: Day }>`
    with summed as (
      select meter_id, ${MONTH_OF_DAY} as month, sum(energy_kwh) as energy_kwh, sum(amount_xof)::bigint as amount_xof,
        count(*) as entries
      from consumption_entry
      where meter_id = ${meterId} ${months === undefined ? sql`` : within(months)}
      group by 1, 2
    ), gone as (
      delete from consumption_month kept
      where meter_id = ${meterId} and ${isAsked} and not exists (select from summed where month = kept.month)
      returning month
    ), written as (
      insert into consumption_month as kept (meter_id, month, energy_kwh, amount_xof, entries)
      select * from summed
      on conflict (meter_id, month) do update set
        energy_kwh = excluded.energy_kwh, amount_xof = excluded.amount_xof, entries = excluded.entries
      where (kept.energy_kwh, kept.amount_xof, kept.entries)
        is distinct from (excluded.energy_kwh, excluded.amount_xof, excluded.entries)
      returning kept.month
    )
    select month from gone union all select month from written order by month`.execute(tx)
  return rows.map((row) => row.month)
}

/** Each once, in order. */
export function monthsOf(days: readonly Day[]): Day[] {
  return [...new Set(days.map((day) => firstOfMonth(day)))].toSorted()
}

const MONTH_OF_DAY = sql`date_trunc('month', day::timestamp)::date`

/** The bounds beside the list, so that only partitions of these years are looked at. */
function within(months: readonly Day[]) {
  const [first = '', last = ''] = [months[0], months.at(-1)]
  return sql`
      and day >= ${first}::date and day < ${firstOfMonth(last, 1)}::date and ${MONTH_OF_DAY} = any(${months}::date[])`
}
