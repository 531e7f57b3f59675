import { type DecimalText, SourceUnavailable } from '#src/ports/meter-source.ts'
import type { SqlServerRow } from './client.ts'

/** A row whose every value is text or null, as the statements ask for. */
export type Delivered = Readonly<Record<string, string | null>>

const DECIMAL = /^-?\d+(?:\.\d+)?$/
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?$/

function malformed(problem: string): SourceUnavailable {
  return new SourceUnavailable('malformed', { cause: new Error(problem) })
}

/** Rows that are equal in every column are one: the source's joins repeat some. */
export function toDelivered(rows: readonly SqlServerRow[]): Delivered[] {
  const seen = new Set<string>()
  return rows.map(toTexts).filter((row) => {
    const content = JSON.stringify(row)
    return seen.has(content) ? false : seen.add(content)
  })
}

function toTexts(row: SqlServerRow): Delivered {
  for (const [name, value] of Object.entries(row)) {
    if (value !== null && typeof value !== 'string') throw malformed(`column ${name} came as ${typeof value}`)
  }
  return row as Delivered
}

export function requiredText(row: Delivered, name: string): string {
  const value = row[name]
  if (value === undefined || value === null || value === '') throw malformed(`column ${name} is empty`)
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
  if (!MOMENT.test(text) || Number.isNaN(moment.getTime())) throw malformed(`column ${name} is not a moment`)
  return moment
}

/** The day of a date, whether the source keeps it with a time or without. */
export function dayOf(row: Delivered, name: string): string {
  const text = requiredText(row, name)
  if (!/^\d{4}-\d{2}-\d{2}(?:T|$)/.test(text)) throw malformed(`column ${name} is not a date`)
  return text.slice(0, 10)
}
