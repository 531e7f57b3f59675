import { addDays, addYears, type Day, firstOfMonth, weekday } from '#src/core/calendar.ts'
import type { DayRange } from './range.ts'

export const GROUPINGS = ['day', 'week', 'month', 'quarter', 'year'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** `end` is exclusive, so that each period ends where the next one starts. */
export interface Period {
  readonly start: Day
  readonly end: Day
}

/** The first day after the period of the calendar in which `day` lies. Weeks begin on Monday. */
const endOfPeriod: Readonly<Record<Grouping, (day: Day) => Day>> = {
  day: (day) => addDays(day, 1),
  week: (day) => addDays(day, 7 - weekday(day)),
  month: (day) => firstOfMonth(day, 1),
  quarter: (day) => firstOfMonth(day, 3 - ((Number(day.slice(5, 7)) - 1) % 3)),
  year: (day) => addYears(`${day.slice(0, 4)}-01-01`, 1),
}

/** The calendar's periods that touch the range, clipped to it: they tile it without gap or overlap. */
export function periodsOf({ from, to }: DayRange, grouping: Grouping): Period[] {
  const periods: Period[] = []
  for (let start = from; start < to;) {
    const calendarEnd = endOfPeriod[grouping](start)
    const end = calendarEnd < to ? calendarEnd : to
    periods.push({ start, end })
    start = end
  }
  return periods
}
