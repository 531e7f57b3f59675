import type { Day } from '#src/core/calendar.ts'
import type { DayRange } from '#src/modules/consumption/range.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'

/** What an export is about; its entries come in pages beside it. */
export interface Export extends DayRange {
  readonly userId: string
  /** What is older is not kept. */
  readonly knownFrom: Day
  readonly meters: readonly ExportedMeter[]
  /** The oldest of what is exported; undefined where there is no meter. */
  readonly asOf: Date | undefined
  readonly stale: boolean
}

export interface ExportedMeter extends LinkedMeter {
  /** Undefined while nothing is known of the meter, which is not the same as nothing consumed. */
  readonly asOf: Date | undefined
}

export interface ExportedEntry {
  readonly day: Day
  readonly occurredAt: Date
  /** The source's own key: order number or bill id. */
  readonly reference: string
  /** By which the customer knows it: the order number, or what is printed on the bill; null for a bill without. */
  readonly number: string | null
  readonly energyWh: number
  readonly amountXof: number
}

/** Pages of one meter's entries inside the range, oldest day first; no page is empty. Each is given once, and then let go. */
export type EntryPages = (meterId: string) => AsyncIterable<readonly ExportedEntry[]>
