import { sql } from 'kysely'
import { addYears, type Day, dayOf } from '#src/core/calendar.ts'
import { decodeCursor, encodeCursor, isMoment } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
import { firstKeptDay } from '#src/modules/consumption/kept-years.ts'
import type { Knowledge } from '#src/modules/consumption/knowledge.ts'
import type { PageAsked } from './my-meters.ts'

/** A purchase or bill as it is stored. */
export interface StoredEntry {
  readonly day: Day
  readonly sourceKey: string
  readonly occurredAt: Date
  readonly energyWh: number
  readonly amountXof: number
  /** The source's own columns. */
  readonly delivered: Readonly<Record<string, string | null>>
}

type StoredIn = Pick<Knowledge, 'db' | 'now' | 'keptYears'>

/**
 * One page of a meter's purchases or bills, the newest first. What arrives meanwhile does not move the pages that
 * follow; an entry whose date is corrected meanwhile goes where its date is now.
 */
export async function entryPage(stored: StoredIn, meterId: string, { cursor, limit }: PageAsked) {
  const rows = await entriesFrom(stored, meterId, cursor === undefined ? undefined : placeOf(cursor), limit + 1)
  const entries = rows.slice(0, limit)
  const last = rows.length > limit ? entries.at(-1) : undefined
  const nextCursor = last === undefined ? null : encodeCursor([last.day, last.occurredAt.toISOString(), last.sourceKey])
  return { entries, nextCursor }
}

/**
 * Between the first and the last day that are kept: only so can PostgreSQL leave out the partition of days that belong
 * to no year, and then it reads the years in order and stops where the page is full.
 */
function entriesFrom(
  { db, now, keptYears }: StoredIn,
  meterId: string,
  place: Place | undefined,
  limit: number,
): Promise<StoredEntry[]> {
  const kept = db
    .selectFrom('consumption_entry')
    .select(['day', 'source_key as sourceKey', 'occurred_at as occurredAt', 'amount_xof as amountXof', 'delivered'])
    .select(sql<number>`(energy_kwh * 1000)::bigint`.as('energyWh'))
    .where('meter_id', '=', meterId)
    .where('day', '>=', sql<Day>`${firstKeptDay(now(), keptYears)}::date`)
    // Bills may be dated a year ahead.
    .where('day', '<', sql<Day>`${addYears(firstKeptDay(now(), 0), 2)}::date`)
    .orderBy('day', 'desc')
    .orderBy('occurred_at', 'desc')
    .orderBy('source_key', 'desc')
    .limit(limit)
  if (place === undefined) return kept.execute()
  const { day, occurredAt, sourceKey } = place
  return (
    kept
      // Says what the next line says already, in words from which partitions can be left out.
      .where('day', '<=', sql<Day>`${day}::date`)
      .where(
        sql<boolean>`(day, occurred_at, source_key) < (${day}::date, ${occurredAt}::timestamptz, ${sourceKey}::text)`,
      )
      .execute()
  )
}

interface Place {
  readonly day: Day
  readonly occurredAt: Date
  readonly sourceKey: string
}

function placeOf(cursor: string): Place {
  const [day = '', time = '', sourceKey = ''] = decodeCursor(cursor, 3)
  const isOurs = isMoment(time) && dayOf(new Date(time)) === day
  // PostgreSQL takes no such character in a text.
  if (!isOurs || sourceKey.includes('\0')) throw httpErrors.invalidCursor()
  return { day, occurredAt: new Date(time), sourceKey }
}
