import { ProtocolError } from './bytes.ts'

/** Dates and times between PostgreSQL's text and the counts of days and ticks that TDS carries. */

const DAY_MS = 86_400_000
/** Day numbers of 1970-01-01, counted from the two starts that TDS uses. */
const UNIX_DAY_SINCE_YEAR_1 = 719_162
const UNIX_DAY_SINCE_1900 = 25_567

export interface WallTime {
  /** Since 1970-01-01. */
  readonly unixDay: number
  /** Whole seconds of the day. */
  readonly seconds: number
  /** Digits after the second's decimal point, none to seven. */
  readonly fraction: string
  readonly offsetMinutes: number
}

const PATTERN =
  /^(?:(\d{4,})-(\d{2})-(\d{2}))?[ T]?(?:(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?)?(?:([+-])(\d{2})(?::?(\d{2}))?)?$/

/** Reads `2026-01-31`, `10:00:00.5` or both, as PostgreSQL prints them in its ISO style. */
export function parseWallTime(text: string): WallTime {
  const match = PATTERN.exec(text)
  if (match === null) throw new RangeError(`not a date or time: ${text}`)
  const [, year = '1970', month = '01', day = '01', hour = '0', minute = '0', second = '0', fraction = ''] = match
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)
  return {
    unixDay: unixDayOf(Number(year), Number(month), Number(day)),
    seconds: Number(hour) * 3600 + Number(minute) * 60 + Number(second),
    fraction,
    offsetMinutes: match[8] === '-' ? -offset : offset,
  }
}

function unixDayOf(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return Math.floor(date.getTime() / DAY_MS)
}

export const daysSinceYear1 = (unixDay: number): number => unixDay + UNIX_DAY_SINCE_YEAR_1
export const daysSince1900 = (unixDay: number): number => unixDay + UNIX_DAY_SINCE_1900
export const unixDaySinceYear1 = (days: number): number => days - UNIX_DAY_SINCE_YEAR_1
export const unixDaySince1900 = (days: number): number => days - UNIX_DAY_SINCE_1900

/** Ticks of 10^-scale seconds since midnight; digits beyond the scale are cut. */
export function ticksOfDay(time: WallTime, scale: number): number {
  return time.seconds * 10 ** scale + Number(time.fraction.padEnd(7, '0').slice(0, scale) || 0)
}

/** `datetime` counts in 300ths of a second. */
export function threeHundredths(time: WallTime): number {
  return time.seconds * 300 + Math.round(Number(`0.${time.fraction || 0}`) * 300)
}

export function dateText(unixDay: number): string {
  const date = new Date(unixDay * DAY_MS)
  const isKnown = date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999
  if (!isKnown) throw new ProtocolError(`day ${unixDay} is in no year from 1 to 9999`)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${year}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`
}

/** `10:00:00.1234567` with as many digits as the scale has. */
export function timeText(ticks: number, scale: number): string {
  const seconds = Math.floor(ticks / 10 ** scale)
  const whole = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':')
  return scale === 0 ? whole : `${whole}.${String(ticks % 10 ** scale).padStart(scale, '0')}`
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')
