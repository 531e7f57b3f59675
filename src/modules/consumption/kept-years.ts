import { sql } from 'kysely'
import { type Day, dayOf } from '#src/core/calendar.ts'
import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'

/** Full calendar years beside the current one, unless a setting says otherwise: any ten years up to today can be asked for. */
export const KEPT_YEARS = 10
/** Bills may be dated a year ahead; the second is made before anybody needs it. */
const YEARS_AHEAD = 2

const PARTITIONED = [
  { table: 'consumption_entry', dated: 'day' },
  { table: 'consumption_month', dated: 'month' },
] as const

/** The first day of which sales and bills are kept at `now` (ms). */
export function firstKeptDay(now: number, keptYears: number): Day {
  return `${String(yearOf(now) - keptYears).padStart(4, '0')}-01-01`
}

export interface KeptYearsParts {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
  readonly keptYears: number
}

/** Every hour: makes the partitions of the years to come, and drops those of years that are kept no longer. Any number of processes may do it. */
export function keptYearsUpkeep(parts: KeptYearsParts): Closeable {
  return periodically({
    ...parts,
    name: 'upkeep of consumption',
    everyMs: 3_600_000,
    work: () => keepYears(parts.db, parts.timers.now(), parts),
  })
}

export async function keepYears(
  db: Db,
  now: number,
  { log, keptYears }: Pick<KeptYearsParts, 'log' | 'keptYears'>,
): Promise<void> {
  const current = yearOf(now)
  for (const { table, dated } of PARTITIONED) {
    const dropped = await sql<{ partition: string; rows: number }>`
      select partition, rows from drop_years_before(${table}, ${dated}, ${current - keptYears})`.execute(db)
    for (const facts of dropped.rows) log.info(facts, 'consumption older than is kept was dropped')
    for (let year = current - keptYears; year <= current + YEARS_AHEAD; year += 1) {
      const made = await sql<{ is_new: boolean }>`
        select add_year_partition(${table}, ${dated}, ${year}) as is_new`.execute(db)
      if (made.rows[0]?.is_new === true) log.info({ table, year }, 'a partition was made')
    }
  }
}

function yearOf(now: number): number {
  return Number(dayOf(now).slice(0, 4))
}
