import { addDays, dayOf } from '#src/core/calendar.ts'
import { firstKeptDay } from './kept-years.ts'
import type { ReadingState } from './queries.ts'
import type { DayRange } from './range.ts'

/** Older knowledge is asked for again when somebody looks. */
export const FRESH_FOR_MS = 15 * 60_000
/** Sales and bills are corrected in the sources for some time; what is older is read again with the whole history. */
const CORRECTION_DAYS = 120
const WHOLE_HISTORY_FOR_MS = 30 * 86_400_000
/** Bills may be dated ahead. */
const DAYS_AHEAD = 366

export interface Freshness {
  /** Older knowledge is asked for again. */
  readonly freshForMs: number
  /** The whole history begins so many full years before this one. */
  readonly keptYears: number
}

export interface DueRead {
  readonly range: DayRange
  readonly isWholeHistory: boolean
}

/**
 * What has to be asked of the source at `now` (ms): nothing while the last reading is fresh, the whole history the
 * first time and once a month, else the days that may have been corrected. A month lies within those days, so none is
 * skipped however long nobody looked.
 */
export function dueRead(
  state: ReadingState | undefined,
  now: number,
  { freshForMs, keptYears }: Freshness,
): DueRead | undefined {
  if (state !== undefined && now - state.readAt.getTime() < freshForMs) return undefined
  const isWholeHistory = state === undefined || now - state.wholeHistoryAt.getTime() >= WHOLE_HISTORY_FOR_MS
  const from = isWholeHistory ? firstKeptDay(now, keptYears) : addDays(dayOf(now), -CORRECTION_DAYS)
  return { range: { from, to: addDays(dayOf(now), DAYS_AHEAD) }, isWholeHistory }
}
