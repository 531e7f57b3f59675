import { addDays, addYears, type Day, firstOfMonth, startOf } from '#src/core/calendar.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'
import { type Sum, sumOf } from './aggregate.ts'
import { type AskedMeters, metersAsked } from './asked-meters.ts'
import { broughtUpToDate, type Knowledge } from './knowledge.ts'
import { amountsByMeter } from './month-sums.ts'
import type { DayRange } from './range.ts'

/** The range that is compared, the one just before it, and the same one a year earlier. */
export interface ComparedRanges {
  readonly current: DayRange
  readonly previous: DayRange
  readonly yearBefore: DayRange
}

/** What was consumed in each. */
export type ComparedSums = { readonly [K in keyof ComparedRanges]: Sum }

export interface Comparison {
  readonly ranges: ComparedRanges
  readonly total: ComparedSums
  /** Undefined sums while nothing is known of the meter. */
  readonly meters: readonly { readonly meter: LinkedMeter; readonly sums: ComparedSums | undefined }[]
  readonly asOf: Date | undefined
  readonly stale: boolean
}

const DAY_MS = 86_400_000

/** Whole months are compared with as many whole months, February with January; other ranges with as many days. */
export function comparedRanges(current: DayRange): ComparedRanges {
  return { current, previous: { from: before(current), to: current.from }, yearBefore: aYearBefore(current) }
}

function before({ from, to }: DayRange): Day {
  const [start, end] = [startOf(from), startOf(to)]
  if (start.getUTCDate() === 1 && end.getUTCDate() === 1) {
    const years = end.getUTCFullYear() - start.getUTCFullYear()
    return firstOfMonth(from, -(years * 12 + end.getUTCMonth() - start.getUTCMonth()))
  }
  return addDays(from, -Math.round((end.getTime() - start.getTime()) / DAY_MS))
}

/** A 29 February alone becomes a 1 March, and must not become nothing. */
function aYearBefore({ from, to }: DayRange): DayRange {
  const [start, end] = [addYears(from, -1), addYears(to, -1)]
  return { from: start, to: end > start ? end : addDays(start, 1) }
}

export async function comparisonOf(knowledge: Knowledge, asked: AskedMeters, range: DayRange): Promise<Comparison> {
  const linked = await metersAsked(knowledge.db, asked)
  const { states, asOf, stale } = await broughtUpToDate(knowledge, linked)
  const ranges = comparedRanges(range)
  const amounts = (of: DayRange) => amountsByMeter(knowledge.db, states, of, 'month')
  const [current, previous, yearBefore] = await Promise.all([
    amounts(ranges.current),
    amounts(ranges.previous),
    amounts(ranges.yearBefore),
  ])
  const meters = linked.map((meter) => {
    const [now, then, lastYear] = [current.get(meter.id), previous.get(meter.id), yearBefore.get(meter.id)]
    if (now === undefined || then === undefined || lastYear === undefined) return { meter, sums: undefined }
    return { meter, sums: { current: sumOf(now), previous: sumOf(then), yearBefore: sumOf(lastYear) } }
  })
  return { ranges, total: totalOf(meters.flatMap(({ sums }) => sums ?? [])), meters, asOf, stale }
}

function totalOf(sums: readonly ComparedSums[]): ComparedSums {
  return {
    current: sumOf(sums.map((sum) => sum.current)),
    previous: sumOf(sums.map((sum) => sum.previous)),
    yearBefore: sumOf(sums.map((sum) => sum.yearBefore)),
  }
}
