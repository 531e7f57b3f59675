import { sql } from 'kysely'
import { type Day, isDay } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import { decodeCursor, encodeCursor } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
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

/** One page of a meter's purchases or bills, the newest first. What arrives meanwhile does not move the pages that follow. */
export async function entryPage(db: Db, meterId: string, page: PageAsked) {
  let query = db
    .selectFrom('consumption_entry')
    .select(['day', 'source_key as sourceKey', 'occurred_at as occurredAt', 'amount_xof as amountXof', 'delivered'])
    .select(sql<number>`(energy_kwh * 1000)::bigint`.as('energyWh'))
    .where('meter_id', '=', meterId)
    .orderBy('day', 'desc')
    .orderBy('occurred_at', 'desc')
    .orderBy('source_key', 'desc')
    .limit(page.limit + 1)
  if (page.cursor !== undefined) {
    const { day, occurredAt, sourceKey } = placeOf(page.cursor)
    query = query
      // Says what the next line says already, in words from which partitions can be left out.
      .where('day', '<=', sql<Day>`${day}::date`)
      .where(
        sql<boolean>`(day, occurred_at, source_key) < (${day}::date, ${occurredAt}::timestamptz, ${sourceKey}::text)`,
      )
  }
  const rows: StoredEntry[] = await query.execute()
  const entries = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? entries.at(-1) : undefined
  const place = last === undefined ? null : encodeCursor([last.day, last.occurredAt.toISOString(), last.sourceKey])
  return { entries, nextCursor: place }
}

function placeOf(cursor: string): { day: Day; occurredAt: Date; sourceKey: string } {
  const [day = '', time = '', sourceKey = ''] = decodeCursor(cursor, 3)
  const occurredAt = new Date(time)
  const isOurs = isDay(day) && !Number.isNaN(occurredAt.getTime()) && occurredAt.toISOString() === time
  // PostgreSQL takes no such character in a text.
  if (!isOurs || sourceKey.includes('\0')) throw httpErrors.invalidCursor()
  return { day, occurredAt, sourceKey }
}
