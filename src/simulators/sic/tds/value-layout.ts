import type { SqlType } from '../sql-type.ts'

/** What reading and writing values share. */

/** Lengths that mean NULL, of short values and of values in chunks. */
export const SHORT_NULL = 0xffff
export const CHUNKS_NULL = 0xffff_ffff_ffff_ffffn
/** Money counts in ten-thousandths. */
export const MONEY_SCALE = 4

export type TimeType = Extract<
  SqlType,
  { kind: 'datetime' | 'smalldatetime' | 'datetime2' | 'datetimeoffset' | 'date' | 'time' }
>

/** How many bytes the ticks of a day take, by the scale of their type. */
export const tickBytes = (scale: number): 3 | 4 | 5 => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5)

/** The first three groups of a GUID travel little-endian. */
export function swapGuidGroups(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  return swapped
}
