import { addDays, dayOf } from '#src/core/calendar.ts'
import { firstKeptDay } from './kept-years.ts'
import type { ReadingState } from './queries.ts'
import type { DayRange } from './range.ts'

/** Older knowledge is asked for again when somebody looks. */
export const FRESH_FOR_MS = 15 * 60_000
/**
 * Sales and bills are corrected in the sources for some time. They can be asked by the date of a row alone, as no column
 * says when a row came or was changed, so that a late one is found by looking again: among these days at each reading,
 * among those that customers look at once a week, and among all once a month.
 */
const CORRECTION_DAYS = 120
/** The thirteen months that are shown to whoever asks for no others: some three times the rows of the days above. */
const WEEKLY_DAYS = 400
const WEEK_MS = 7 * 86_400_000
const WHOLE_HISTORY_FOR_MS = 30 * 86_400_000
/** No other server's clock is further ahead of ours, nor a reading that was stored while ours was under way. */
const CLOCKS_DIFFER_MS = 5 * 60_000
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

/** Whether the time was noted by a clock that was wrong: it says nothing then, and must not be waited for. */
export function isFromWrongClock(noted: Date, now: number): boolean {
  return noted.getTime() > now + CLOCKS_DIFFER_MS
}

/**
 * What has to be asked of the source at `now` (ms): nothing while the last reading is fresh, the whole history the
 * first time and once a month, else the days that may have been corrected, more of them once a week. A month lies
 * within those days, so none is skipped however long nobody looked.
 */
export function dueRead(
  state: ReadingState | undefined,
  now: number,
  { freshForMs, keptYears }: Freshness,
): DueRead | undefined {
  const known = state === undefined || isFromWrongClock(state.readAt, now) ? undefined : state
  if (known !== undefined && now - known.readAt.getTime() < freshForMs) return undefined
  const isWholeHistory = known === undefined || now - known.wholeHistoryAt.getTime() >= WHOLE_HISTORY_FOR_MS
  const from = isWholeHistory ? firstKeptDay(now, keptYears) : addDays(dayOf(now), -daysAgain(known, now))
  return { range: { from, to: addDays(dayOf(now), DAYS_AHEAD) }, isWholeHistory }
}

/** Weeks are counted from the meter's last whole history, so that not all meters have theirs on the same day. */
function daysAgain({ readAt, wholeHistoryAt }: ReadingState, now: number): number {
  const weekOf = (time: number): number => Math.floor((time - wholeHistoryAt.getTime()) / WEEK_MS)
  return weekOf(readAt.getTime()) === weekOf(now) ? CORRECTION_DAYS : WEEKLY_DAYS
}
