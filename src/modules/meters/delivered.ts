import { scaledInteger } from '#src/modules/consumption/decimal.ts'
import type { StoredEntry } from './entry-page.ts'

/** The source's own columns, by their names there. A column that is empty, absent or unreadable is undefined. */
export type Delivered = StoredEntry['delivered']

/** Exact hundredths of a franc, for sums that are rounded afterwards. */
export function centimes(delivered: Delivered, column: string): number | undefined {
  return scaled(delivered, column, 2)
}

/** Whole francs: the column's own digits are rounded, once. */
export function francs(delivered: Delivered, column: string): number | undefined {
  return scaled(delivered, column, 0)
}

/** kWh with at most three decimals. */
export function kilowattHours(delivered: Delivered, column: string): number | undefined {
  const wattHours = scaled(delivered, column, 3)
  return wattHours === undefined ? undefined : wattHours / 1_000
}

/** A number with all the decimals that the source has, such as a price. */
export function decimal(delivered: Delivered, column: string): number | undefined {
  const text = delivered[column]?.trim()
  return text === undefined || scaledInteger(text, 0) === undefined ? undefined : Number(text)
}

export function textOf(delivered: Delivered, column: string): string | undefined {
  const text = delivered[column]?.trim()
  return text === '' ? undefined : text
}

/** The calendar day of a date column, with a time or without. */
export function dayOfColumn(delivered: Delivered, column: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}(?=T|$)/.exec(delivered[column] ?? '')?.[0]
}

function scaled(delivered: Delivered, column: string, places: number): number | undefined {
  const text = delivered[column]
  return text === undefined || text === null ? undefined : scaledInteger(text, places)
}
