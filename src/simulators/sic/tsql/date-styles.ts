import { SqlError } from '../sql-error.ts'
import { type SqlType, typeName } from '../sql-type.ts'

/** The styles of CONVERT, by number, as PostgreSQL's to_char patterns. */
const PATTERNS = new Map<number, string>([
  [8, 'HH24:MI:SS'],
  [23, 'YYYY-MM-DD'],
  [101, 'MM/DD/YYYY'],
  [102, 'YYYY.MM.DD'],
  [103, 'DD/MM/YYYY'],
  [104, 'DD.MM.YYYY'],
  [105, 'DD-MM-YYYY'],
  [108, 'HH24:MI:SS'],
  [110, 'MM-DD-YYYY'],
  [111, 'YYYY/MM/DD'],
  [112, 'YYYYMMDD'],
])

const SECONDS_STYLES = new Set([20, 120])
const FRACTION_STYLES = new Set([21, 25, 121])
const ISO_STYLE = 126

/** The text of a date or time. Without a style `datetime` has its old form and the newer types the ISO one. */
export function dateToText(sql: string, type: SqlType, style: number | undefined): string {
  const isOld = type.kind === 'datetime' || type.kind === 'smalldatetime'
  const chosen = style === undefined || (style === 0 && !isOld) ? (isOld ? 0 : 121) : style
  if (chosen === 0 || chosen === 100) return oldForm(sql)
  const pattern = PATTERNS.get(chosen)
  if (pattern !== undefined) return toChar(sql, pattern)
  if (!SECONDS_STYLES.has(chosen) && !FRACTION_STYLES.has(chosen) && chosen !== ISO_STYLE) {
    throw new SqlError(
      281,
      `${chosen} is not a valid style number when converting from ${typeName(type)} to a character string.`,
    )
  }
  if (type.kind === 'date') return toChar(sql, 'YYYY-MM-DD')
  const time = type.kind === 'time' ? 'HH24:MI:SS' : `YYYY-MM-DD${chosen === ISO_STYLE ? '"T"' : ' '}HH24:MI:SS`
  return SECONDS_STYLES.has(chosen) ? toChar(sql, time) : toChar(sql, time) + fraction(sql, type, chosen === ISO_STYLE)
}

/** `Jan  1 2026 10:00AM`: day and hour are padded with blanks. */
function oldForm(sql: string): string {
  const [day, hour] = [`lpad(${toChar(sql, 'FMDD')}, 2)`, `lpad(${toChar(sql, 'FMHH12:MIAM')}, 7)`]
  return `(${toChar(sql, 'Mon')} || ' ' || ${day} || ' ' || ${toChar(sql, 'YYYY')} || ' ' || ${hour})`
}

/** Digits after the second. Style 126 leaves them out when all are zero. */
function fraction(sql: string, type: SqlType, isLeftOutWhenZero: boolean): string {
  const digits = 'scale' in type ? type.scale : type.kind === 'datetime' ? 3 : 0
  if (digits === 0) return ''
  const text = digits > 6 ? `${toChar(sql, 'US')} || '0'` : `left(${toChar(sql, 'US')}, ${digits})`
  if (!isLeftOutWhenZero) return ` || '.' || ${text}`
  return ` || coalesce('.' || nullif(${text}, '${'0'.repeat(digits)}'), '')`
}

function toChar(sql: string, pattern: string): string {
  return `to_char(${sql}, '${pattern}')`
}

/** Styles in which the day comes before the month; every other text is read as PostgreSQL reads it. */
const DAY_FIRST_PATTERNS = new Map([
  [103, 'DD/MM/YYYY HH24:MI:SS.MS'],
  [104, 'DD.MM.YYYY HH24:MI:SS.MS'],
  [105, 'DD-MM-YYYY HH24:MI:SS.MS'],
])

export function textToTimestamp(sql: string, style: number | undefined): string {
  const pattern = style === undefined ? undefined : DAY_FIRST_PATTERNS.get(style)
  return pattern === undefined ? `(${sql})::timestamp` : `to_timestamp(${sql}, '${pattern}')::timestamp`
}
