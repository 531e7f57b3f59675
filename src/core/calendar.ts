/**
 * Calendar days of Africa/Dakar as `YYYY-MM-DD`. Senegal has kept UTC+0 without summer time since 1941, so
 * a day there is a UTC day, and days can be counted in whole multiples of 24 hours.
 */
export type Day = string

const DAY_MS = 86_400_000
const DAY_PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/

export function dayOf(instant: Date | number): Day {
  return new Date(instant).toISOString().slice(0, 10)
}

export function startOf(day: Day): Date {
  return new Date(`${day}T00:00:00.000Z`)
}

/** False for a text of another form, and for a day that no calendar has, such as 2026-02-29. */
export function isDay(text: string): boolean {
  if (!DAY_PATTERN.test(text)) return false
  const instant = Date.parse(`${text}T00:00:00.000Z`)
  return !Number.isNaN(instant) && dayOf(instant) === text
}

export function addDays(day: Day, days: number): Day {
  return dayOf(startOf(day).getTime() + days * DAY_MS)
}

/** How many days lie from one day to before the other; negative when the other is earlier. */
export function daysBetween(from: Day, to: Day): number {
  return (startOf(to).getTime() - startOf(from).getTime()) / DAY_MS
}

/** The first day of the month that lies `months` after the month of `day`. */
export function firstOfMonth(day: Day, months = 0): Day {
  // In text: by way of a Date it takes ten times as long, and an answer asks for a dozen.
  const count = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months
  const [year, month] = [Math.floor(count / 12), (count % 12) + 1]
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-01`
}

/** The same day so many years later; 29 February becomes 1 March where that year has none. */
export function addYears(day: Day, years: number): Day {
  const start = startOf(day)
  return dayOf(Date.UTC(start.getUTCFullYear() + years, start.getUTCMonth(), start.getUTCDate()))
}

/** 0 for Monday to 6 for Sunday (ISO 8601 weeks). */
export function weekday(day: Day): number {
  return (startOf(day).getUTCDay() + 6) % 7
}
