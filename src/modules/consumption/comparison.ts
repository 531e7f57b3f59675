import type { Day } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'
import { type Sum, sumOf } from './aggregate.ts'
import { type AskedMeters, metersAsked } from './asked-meters.ts'
import {
  type Compared,
  comparedMeter,
  comparedTotal,
  type ComparedTotal,
  type MeterPair,
  type MeterSum,
} from './change.ts'
import type { ComparedRanges } from './compared-ranges.ts'
import { firstKeptDay } from './kept-years.ts'
import { broughtUpToDate, type Knowledge } from './knowledge.ts'
import { amountsByMeter } from './month-sums.ts'
import { entriesByMeter, type ReadingState } from './queries.ts'
import type { DayRange } from './range.ts'

/** Undefined is what is not kept, and of a meter also what is not known. */
export interface Comparison {
  readonly ranges: ComparedRanges
  /** What is older is not kept. */
  readonly knownFrom: Day
  readonly current: Sum | undefined
  readonly previous: ComparedTotal | undefined
  readonly yearBefore: ComparedTotal | undefined
  readonly meters: readonly {
    readonly meter: LinkedMeter
    readonly current: Sum | undefined
    readonly previous: Compared | undefined
    readonly yearBefore: Compared | undefined
  }[]
  readonly asOf: Date | undefined
  readonly stale: boolean
}

export async function comparisonOf(
  knowledge: Knowledge,
  asked: AskedMeters,
  ranges: ComparedRanges,
): Promise<Comparison> {
  const linked = await metersAsked(knowledge.db, asked)
  const { states, asOf, stale } = await broughtUpToDate(knowledge, linked)
  const knownFrom = firstKeptDay(knowledge.now(), knowledge.keptYears)
  const sumsOf = async (range: DayRange): Promise<MeterSums | undefined> =>
    range.from < knownFrom ? undefined : sumsByMeter(knowledge.db, linked, states, range)
  const [current, ofPrevious, ofYearBefore] = await Promise.all([
    sumsOf(ranges.current),
    sumsOf(ranges.previous),
    sumsOf(ranges.yearBefore),
  ])
  const previous = pairsOf(linked, current, ofPrevious)
  const yearBefore = pairsOf(linked, current, ofYearBefore)
  const comparedOf = ({ id }: LinkedMeter, pairs: readonly MeterPair[] | undefined): Compared | undefined => {
    const pair = pairs?.find(({ meterId }) => meterId === id)
    return pair && comparedMeter(pair)
  }
  const meters = linked.map((meter) => ({
    meter,
    current: current?.get(meter.id),
    previous: comparedOf(meter, previous),
    yearBefore: comparedOf(meter, yearBefore),
  }))
  return {
    ranges,
    knownFrom,
    current: current && sumOf([...current.values()]),
    previous: previous && comparedTotal(previous),
    yearBefore: yearBefore && comparedTotal(yearBefore),
    meters,
    asOf,
    stale,
  }
}

/** By meter id; a meter of which nothing is known is not in it, and adds nothing. */
type MeterSums = ReadonlyMap<string, MeterSum>

/** Bills are read one by one, as they are counted; of a meter there are six a year. */
async function sumsByMeter(
  db: Db,
  linked: readonly LinkedMeter[],
  states: ReadonlyMap<string, ReadingState>,
  range: DayRange,
): Promise<MeterSums> {
  const billedIds = linked.flatMap(({ id, kind }) => (kind === 'postpaid' && states.has(id) ? [id] : []))
  const others = new Map([...states].filter(([id]) => !billedIds.includes(id)))
  const [billed, bought] = await Promise.all([
    entriesByMeter(db, billedIds, range),
    amountsByMeter(db, others, range, 'month'),
  ])
  return new Map<string, MeterSum>([
    ...[...billed].map(([id, bills]) => [id, { ...sumOf(bills), bills: bills.length }] as const),
    ...[...bought].map(([id, amounts]) => [id, { ...sumOf(amounts), bills: undefined }] as const),
  ])
}

function pairsOf(linked: readonly LinkedMeter[], current: MeterSums | undefined, base: MeterSums | undefined) {
  if (current === undefined || base === undefined) return undefined
  return linked.flatMap(({ id: meterId }): MeterPair[] => {
    const [ofCurrent, ofBase] = [current.get(meterId), base.get(meterId)]
    return ofCurrent === undefined || ofBase === undefined ? [] : [{ meterId, current: ofCurrent, base: ofBase }]
  })
}
