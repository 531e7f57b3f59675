import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db, Tx } from '#src/database/database.ts'
import type { Entry } from './entry.ts'
import { isFromWrongClock } from './freshness.ts'
import { monthsOf, sumMonths } from './month-sums.ts'
import { type ReadingState, readingStates } from './queries.ts'
import type { DayRange } from './range.ts'

/** What one question to a source brought. */
export interface Reading {
  readonly meterId: string
  /** What was asked for: entries inside that were not delivered are gone from the source. */
  readonly range: DayRange
  readonly isWholeHistory: boolean
  /** Each source key once. */
  readonly entries: readonly Entry[]
  /** When the question was put. */
  readonly readAt: Date
}

export interface StoredReading {
  /** Whether anything that is shown of the meter is another than before. */
  readonly isNews: boolean
  /** Months whose sums were not those of their entries, which should never be: now they are. */
  readonly repairedMonths: readonly Day[]
}

const NOTHING_NEW: StoredReading = { isNews: false, repairedMonths: [] }
const NEVER = new Date(0)

/** Replaces what is kept of the range by what was read, with the months' sums and the watermark. */
export function storeReading(db: Db, reading: Reading): Promise<StoredReading> {
  return db.transaction().execute((tx) => storeReadingIn(tx, reading))
}

async function storeReadingIn(tx: Tx, reading: Reading): Promise<StoredReading> {
  // Two readings of one meter are stored one after the other, and an older one must not undo a newer one.
  await tx.selectFrom('meter').select('id').where('id', '=', reading.meterId).forNoKeyUpdate().execute()
  const state = (await readingStates(tx, [reading.meterId])).get(reading.meterId)
  if (isOvertaken(reading, state)) return NOTHING_NEW
  const delivered = deliveredRows(reading)
  const gone = await deleteUndelivered(reading, delivered).execute(tx)
  const written = await upsertDelivered(reading, delivered).execute(tx)
  const changed = [...gone.rows, ...written.rows].map((row) => row.day)
  const summed = await sumMonths(tx, reading.meterId, daysToSum(reading, state, changed))
  const watermark = {
    read_at: reading.readAt,
    whole_history_at: wholeHistoryAt(reading, state, gone.rows),
    has_months: true,
    is_idle: false,
  }
  await tx
    .insertInto('meter_reading_state')
    .values({ meter_id: reading.meterId, ...watermark })
    .onConflict((conflict) => conflict.column('meter_id').doUpdateSet(watermark))
    .execute()
  const repairedMonths = state?.hasMonths === true ? unexpected(summed, changed, reading) : []
  return { isNews: changed.length > 0 || repairedMonths.length > 0, repairedMonths }
}

function isOvertaken({ readAt }: Reading, state: ReadingState | undefined): boolean {
  return state !== undefined && state.readAt >= readAt && !isFromWrongClock(state.readAt, readAt.getTime())
}

/** With the whole history every month is looked at again, so that a sum that has gone wrong does not stay so. */
function daysToSum({ isWholeHistory }: Reading, state: ReadingState | undefined, changed: readonly Day[]) {
  return isWholeHistory || state?.hasMonths !== true ? 'all' : changed
}

/** Not of years that are kept no longer: their entries may be dropped already, and their months in the next moment. */
function unexpected(summed: readonly Day[], changed: readonly Day[], { range }: Reading): Day[] {
  const expected = new Set(monthsOf(changed))
  return summed.filter((month) => month >= range.from && !expected.has(month))
}

/** What is gone from the days that were asked for may have moved to others: then the next reading asks for all. */
function wholeHistoryAt(
  { entries, isWholeHistory, readAt }: Reading,
  state: ReadingState | undefined,
  gone: readonly { readonly source_key: string }[],
): Date {
  if (isWholeHistory || state === undefined) return readAt
  // As noted by a clock that was wrong, which another process did while this reading was under way.
  if (state.wholeHistoryAt > readAt) return NEVER
  const keys = new Set(entries.map((entry) => entry.sourceKey))
  return gone.every((row) => keys.has(row.source_key)) ? state.wholeHistoryAt : NEVER
}

/** One JSON parameter, whatever the number of rows: the protocol allows only 65,535 parameters. */
function deliveredRows({ entries }: Reading) {
  const rows = entries.map((entry) => ({
    source_key: entry.sourceKey,
    day: entry.day,
    occurred_at: entry.occurredAt.toISOString(),
    energy_wh: entry.energyWh,
    amount_xof: entry.amountXof,
    delivered: storable(entry.delivered),
  }))
  return sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as delivered(
    source_key text, day date, occurred_at timestamptz, energy_wh bigint, amount_xof bigint, delivered jsonb)`
}

/** jsonb holds neither U+0000, which padded columns of old systems contain, nor half a character, as of a text cut short. */
function storable(row: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value?.replaceAll('\0', '').toWellFormed() ?? null]),
  )
}

/** Also an entry that came back under another day, be it outside the range: it must not count twice. */
function deleteUndelivered({ meterId, range }: Reading, delivered: ReturnType<typeof deliveredRows>) {
  return sql<{ day: Day; source_key: string }>`
    with delivered as (select source_key, day from ${delivered})
    delete from consumption_entry as kept
    where kept.meter_id = ${meterId}
      and ((kept.day >= ${range.from}::date and kept.day < ${range.to}::date)
        or kept.source_key in (select source_key from delivered))
      and not exists (select from delivered where delivered.source_key = kept.source_key and delivered.day = kept.day)
    returning kept.day, kept.source_key`
}

/** Writes only rows that differ, so that a refresh without news leaves nothing for vacuum. */
function upsertDelivered({ meterId, readAt }: Reading, delivered: ReturnType<typeof deliveredRows>) {
  return sql<{ day: Day }>`
    insert into consumption_entry as kept
      (meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at)
    select ${meterId}::uuid, day, source_key, occurred_at, energy_wh / 1000.0, amount_xof, delivered, ${readAt}::timestamptz
    from ${delivered}
    on conflict (meter_id, day, source_key) do update set
      occurred_at = excluded.occurred_at, energy_kwh = excluded.energy_kwh, amount_xof = excluded.amount_xof,
      delivered = excluded.delivered, fetched_at = excluded.fetched_at
    where (kept.occurred_at, kept.energy_kwh, kept.amount_xof, kept.delivered)
      is distinct from (excluded.occurred_at, excluded.energy_kwh, excluded.amount_xof, excluded.delivered)
    returning kept.day`
}
