import { setImmediate as aTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { DayRange } from '#src/modules/consumption/range.ts'
import { BILL_NUMBER_COLUMN, billNumber } from '#src/modules/meters/bill-view.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'
import { exportErrors } from './errors.ts'
import type { EntryPages, ExportedEntry } from './exported.ts'

/** What is stored of the meters inside the range, all as of one moment. */
export interface Picture {
  /** By meter id: as of when its entries are known. A meter of which nothing is known is not in it. */
  readonly readAt: ReadonlyMap<string, Date>
  readonly pages: EntryPages
}

const PAGE_ROWS = 500
/** An export waits in memory for its client. Many times what a household has; a company asks meter by meter, or by the year. */
const MOST_ENTRIES = 100_000

/**
 * Everything in one statement, which sees no correction that lands while it runs: page by page, an entry that moves
 * could be met twice or not at all, and a transaction around the pages would hold a connection for as long as the client
 * reads. Each page is one text, as it waits in less memory than its entries would, and as that many rows at once would
 * hold up the event loop.
 */
export async function pictureOf(db: Db, meters: readonly Meter[], range: DayRange): Promise<Picture> {
  const ids = meters.map(({ id }) => id)
  const rows = await knownPages(db, ids, range)
  if (rows.reduce((sum, { entries }) => sum + entries, 0) > MOST_ENTRIES) {
    throw exportErrors.tooLarge({ details: { most: MOST_ENTRIES } })
  }
  const readAt = new Map(rows.map((row) => [row.meter_id, row.read_at]))
  const texts = new Map<string, string[]>([...readAt.keys()].map((id) => [id, []]))
  for (const { meter_id: id, page } of rows) if (page !== null) texts.get(id)?.push(page)
  const billed = new Set(meters.filter(({ kind }) => kind === 'postpaid').map(({ id }) => id))
  return { readAt, pages: (meterId) => pagesOf(texts.get(meterId) ?? [], billed.has(meterId)) }
}

/** A client that reads fast has the next page taken at once: the others' requests have their turn in between. */
async function* pagesOf(texts: string[], isBilled: boolean): AsyncGenerator<ExportedEntry[]> {
  for (let text = texts.shift(); text !== undefined; text = texts.shift()) {
    yield (JSON.parse(text) as PageRow[]).map((row) => toEntry(row, isBilled))
    await aTurn()
  }
}

type PageRow = readonly [
  day: Day,
  reference: string,
  occurredAtMs: number,
  energyWh: number,
  amountXof: number,
  billNumber: string | null,
]

function toEntry(row: PageRow, isBilled: boolean): ExportedEntry {
  const [day, reference, occurredAtMs, energyWh, amountXof, printed] = row
  const number = isBilled ? billNumber({ [BILL_NUMBER_COLUMN]: printed }) : reference
  return { day, occurredAt: new Date(occurredAtMs), reference, number, energyWh, amountXof }
}

interface KnownPage {
  readonly meter_id: string
  readonly read_at: Date
  /** How many the page has. */
  readonly entries: number
  /** Null for a meter that has none in the range. */
  readonly page: string | null
}

/**
 * One entry more than an export may have shows that there are too many; which they are does not matter then. Of what
 * was delivered one column is taken: all of them make the statement three times as slow.
 */
async function knownPages(db: Db, meterIds: readonly string[], { from, to }: DayRange): Promise<KnownPage[]> {
  const { rows } = await sql<KnownPage>`
    with entry as (
      select meter_id, day, source_key, occurred_at, energy_kwh, amount_xof,
        delivered ->> ${BILL_NUMBER_COLUMN}::text as bill_number
      from consumption_entry
      where meter_id = any(${meterIds}::uuid[]) and day >= ${from}::date and day < ${to}::date
      limit ${MOST_ENTRIES + 1}
    ), placed as (
      select *, (row_number() over (partition by meter_id order by day, source_key) - 1) / ${PAGE_ROWS}::int as number
      from entry
    ), page as (
      select meter_id, number, count(*) as entries,
        json_agg(json_build_array(day, source_key, floor(extract(epoch from occurred_at) * 1000)::bigint,
          (energy_kwh * 1000)::bigint, amount_xof, bill_number) order by day, source_key)::text as page
      from placed
      group by meter_id, number
    )
    select state.meter_id, state.read_at, coalesce(page.entries, 0) as entries, page.page
    from meter_reading_state as state left join page using (meter_id)
    where state.meter_id = any(${meterIds}::uuid[])
    order by state.meter_id, page.number`.execute(db)
  return rows
}
