import type { SourceType } from './tables.ts'

/** What a CSV cell must look like, or the reason that it does not. */
export type CellResult = { readonly value: string | null } | { readonly problem: string }

export interface CellFormat {
  /** Files separated by `;` come from a French spreadsheet, where 113,9 is a decimal; in the others a comma may mark thousands. */
  readonly decimalComma: boolean
}

const ISO_DATE =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[ T](?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?)Z?)?$/
const FRENCH_DATE =
  /^(?<day>\d{2})\/(?<month>\d{2})\/(?<year>\d{4})(?: (?<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?))?$/
const INTEGER_LIMITS = { integer: 2n ** 31n, bigint: 2n ** 63n } as const

/**
 * Turns one cell into the text that PostgreSQL reads. An empty cell and the word NULL, which SQL Server's own export
 * writes, are null. Nothing is rounded or cut: what does not fit is a problem.
 */
export function readCell(text: string, type: SourceType, format: CellFormat): CellResult {
  const cell = text.trim()
  if (cell === '' || cell === 'NULL') return { value: null }
  switch (type.kind) {
    case 'text':
      return cell.length <= type.length ? { value: cell } : { problem: `is longer than ${type.length} characters` }
    case 'decimal':
      return readDecimal(cell, type, format)
    case 'integer':
    case 'bigint':
      return readInteger(cell, INTEGER_LIMITS[type.kind])
    default:
      return readDate(cell, type.kind)
  }
}

function readDecimal(cell: string, type: { precision: number; scale: number }, format: CellFormat): CellResult {
  const found = (format.decimalComma ? /^(-?)(\d+)(?:[.,](\d+))?$/ : /^(-?)(\d+)(?:\.(\d+))?$/).exec(cell)
  if (found === null) return { problem: 'is not a decimal number' }
  const [, sign = '', whole = '', fraction = ''] = found
  const kept = fraction.replace(/0+$/, '')
  if (kept.length > type.scale) return { problem: `has more than ${type.scale} decimals` }
  const digits = whole.replace(/^0+(?=\d)/, '')
  if (digits.length > type.precision - type.scale) return { problem: 'is too large' }
  return { value: `${sign}${digits}${kept === '' ? '' : `.${kept}`}` }
}

function readInteger(cell: string, limit: bigint): CellResult {
  if (!/^-?\d{1,19}$/.test(cell)) return { problem: 'is not a whole number' }
  const value = BigInt(cell)
  return value >= -limit && value < limit ? { value: String(value) } : { problem: 'is too large' }
}

function readDate(cell: string, kind: 'datetime' | 'date'): CellResult {
  const parts = (ISO_DATE.exec(cell) ?? FRENCH_DATE.exec(cell))?.groups
  if (parts === undefined) return { problem: 'is not a date (YYYY-MM-DD or DD/MM/YYYY, then a time if any)' }
  const day = `${parts['year']}-${parts['month']}-${parts['day']}`
  const time = (parts['time'] ?? '00:00').replace(/(?<=\.\d{3})0+$/, '')
  if (/\.\d{4}/.test(time)) return { problem: 'is finer than a millisecond' }
  // JavaScript turns 30 February into 1 March: only a date that comes back unchanged exists.
  const instant = new Date(`${day}T${time}Z`)
  if (Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(day)) return { problem: 'does not exist' }
  if (kind === 'datetime') return { value: `${day} ${time}` }
  return /[1-9]/.test(time) ? { problem: 'has a time of day where a date is expected' } : { value: day }
}
