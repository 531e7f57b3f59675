import { addDays, addYears, type Day, daysBetween, firstOfMonth, startOf } from '#src/core/calendar.ts'
import { consumptionErrors } from './errors.ts'
import { isWholeMonths } from './month-sums.ts'
import type { DayRange } from './range.ts'

/** What has passed of the range that is asked for, the one just before it, and the same one a year earlier. */
export interface ComparedRanges {
  readonly current: DayRange
  readonly previous: DayRange
  readonly yearBefore: DayRange
}

/**
 * Like with like: of a range under way only the days up to `today`, beside as much of the others. Whole months are put
 * beside as many whole months, February beside January; other ranges beside as many days, so that the Monday and Tuesday
 * of a week under way stand beside those of the week before.
 */
export function comparedRanges(asked: DayRange, today: Day): ComparedRanges {
  if (asked.from > today) throw consumptionErrors.rangeAhead({ details: { today } })
  const current = { from: asked.from, to: earlier(asked.to, addDays(today, 1)) }
  return { current, previous: before(asked, current), yearBefore: aYearBefore(current) }
}

function before(asked: DayRange, { from, to }: DayRange): DayRange {
  if (!isWholeMonths(asked, 'month')) {
    const days = daysBetween(asked.from, asked.to)
    return { from: addDays(from, -days), to: addDays(to, -days) }
  }
  const [start, end] = [startOf(asked.from), startOf(asked.to)]
  const years = end.getUTCFullYear() - start.getUTCFullYear()
  const months = years * 12 + end.getUTCMonth() - start.getUTCMonth()
  return { from: firstOfMonth(from, -months), to: monthsBefore(to, months) }
}

/** The same day of the month; where that has none, the first of the next, as what ends there is the whole month. */
function monthsBefore(day: Day, months: number): Day {
  const inMonth = addDays(firstOfMonth(day, -months), startOf(day).getUTCDate() - 1)
  return earlier(inMonth, firstOfMonth(day, 1 - months))
}

/** 29 February is the last day of its month, and so is put beside the 28th. */
function aYearBefore({ from, to }: DayRange): DayRange {
  const start = addYears(from, -1)
  return { from: from.endsWith('-02-29') ? addDays(start, -1) : start, to: addYears(to, -1) }
}

function earlier(one: Day, other: Day): Day {
  return one < other ? one : other
}
