import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { DayRange } from '#src/modules/consumption/range.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'

/** What an export is about; its entries are read while it is being sent. */
export interface Export extends DayRange {
  readonly userId: string
  /** What is older is not kept. */
  readonly knownFrom: Day
  readonly meters: readonly ExportedMeter[]
  /** The oldest of what is exported; undefined where there is no meter. */
  readonly asOf: Date | undefined
  readonly stale: boolean
}

export interface ExportedMeter extends LinkedMeter {
  /** Undefined while nothing is known of the meter, which is not the same as nothing consumed. */
  readonly asOf: Date | undefined
}

export interface ExportedEntry {
  readonly day: Day
  readonly occurredAt: Date
  /** The source's own key: order number or bill id. */
  readonly reference: string
  readonly energyWh: number
  readonly amountXof: number
}

/** Pages of one meter's entries inside the range, oldest day first; no page is empty. */
export type EntryPages = (meterId: string) => AsyncIterable<readonly ExportedEntry[]>

/** One page is one round trip, and all of an export that is held in memory. */
const PAGE_ROWS = 500

export function entryPages(db: Db, { from, to }: DayRange, pageRows = PAGE_ROWS): EntryPages {
  return async function* pages(meterId) {
    let place: ExportedEntry | undefined
    for (;;) {
      const page: readonly ExportedEntry[] = await pageAfter(db, meterId, { from, to }, place, pageRows)
      if (page.length > 0) yield page
      if (page.length < pageRows) return
      place = page.at(-1)
    }
  }
}

/** In the order of the primary key: a page costs the same wherever it is, and no connection is held in between. */
function pageAfter(
  db: Db,
  meterId: string,
  { from, to }: DayRange,
  place: ExportedEntry | undefined,
  limit: number,
): Promise<ExportedEntry[]> {
  const inRange = db
    .selectFrom('consumption_entry')
    .select(['day', 'occurred_at as occurredAt', 'source_key as reference', 'amount_xof as amountXof'])
    .select(sql<number>`(energy_kwh * 1000)::bigint`.as('energyWh'))
    .where('meter_id', '=', meterId)
    .where('day', '>=', sql<Day>`${place?.day ?? from}::date`)
    .where('day', '<', sql<Day>`${to}::date`)
    .orderBy('day')
    .orderBy('source_key')
    .limit(limit)
  if (place === undefined) return inRange.execute()
  return inRange.where(sql<boolean>`(day, source_key) > (${place.day}::date, ${place.reference}::text)`).execute()
}
