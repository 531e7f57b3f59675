import { isDay } from '#src/core/calendar.ts'
import { type DecimalText, SourceUnavailable } from '#src/ports/meter-source.ts'
import type { SqlServerRow } from './client.ts'
import { MOST_ROWS } from './statements.ts'

/** A row whose every value is text or null, as the statements ask for. */
export type Delivered = Readonly<Record<string, string | null>>

/** Beyond these a column holds something else than what it is read for; a key must also fit into an index. */
const LONGEST_TEXT = 10_000
const LONGEST_KEY = 200

const DECIMAL = /^-?\d+(?:\.\d+)?$/
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?$/

function malformed(problem: string): SourceUnavailable {
  return new SourceUnavailable('malformed', { cause: new Error(problem) })
}

/** Rows that are equal in every column are one: the source's joins repeat some. */
export function toDelivered(rows: readonly SqlServerRow[]): Delivered[] {
  if (rows.length > MOST_ROWS) throw malformed(`more than ${MOST_ROWS} rows came`)
  const seen = new Set<string>()
  return rows.map(toTexts).filter((row) => {
    const content = JSON.stringify(row)
    return seen.has(content) ? false : seen.add(content)
  })
}

function toTexts(row: SqlServerRow): Delivered {
  for (const [name, value] of Object.entries(row)) {
    if (value === null) continue
    if (typeof value !== 'string') throw malformed(`column ${name} came as ${typeof value}`)
    if (value.length > LONGEST_TEXT) throw malformed(`column ${name} has ${value.length} characters`)
  }
  return row as Delivered
}

/** Without the U+0000 with which columns of old systems are padded: no database of ours could hold it. */
export function requiredText(row: Delivered, name: string): string {
  const value = row[name]?.replaceAll('\0', '') ?? ''
  if (value === '') throw malformed(`column ${name} is empty`)
  if (value.length > LONGEST_KEY) throw malformed(`column ${name} has ${value.length} characters`)
  // Half of a character cannot be stored, and made whole it could be another row's key.
  if (!value.isWellFormed()) throw malformed(`column ${name} is no Unicode`)
  return value
}

/** The first of the columns that holds a value; 0 when none does, as a null counts in the source's own sums. */
export function decimalOf(row: Delivered, ...names: string[]): DecimalText {
  for (const name of names) {
    const value = row[name]
    if (value === undefined) throw malformed(`column ${name} is missing`)
    if (value === null) continue
    if (!DECIMAL.test(value)) throw malformed(`column ${name} is not a decimal number`)
    return value
  }
  return '0'
}

/** The source's clock is that of Africa/Dakar, which is UTC all year. */
export function momentOf(row: Delivered, name: string): Date {
  const text = requiredText(row, name)
  const moment = new Date(`${text}Z`)
  // A 30 February would become a day of March, and 24 o'clock the next day.
  if (!MOMENT.test(text) || Number.isNaN(moment.getTime()) || !moment.toISOString().startsWith(text.slice(0, 19)))
    throw malformed(`column ${name} is not a moment`)
  return moment
}

/** The day of a date, whether the source keeps it with a time or without. */
export function dayOf(row: Delivered, name: string): string {
  const text = requiredText(row, name)
  const [day = ''] = text.split('T', 1)
  if (!isDay(day)) throw malformed(`column ${name} is not a date`)
  return day
}
