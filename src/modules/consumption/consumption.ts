import type { Day } from '#src/core/calendar.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'
import { type PeriodSum, type Sum, sumByPeriod, sumOf } from './aggregate.ts'
import { amountsOf, type MeterHistory } from './asked-histories.ts'
import type { AskedMeters } from './asked-meters.ts'
import { nothingKnown } from './errors.ts'
import { firstKeptDay } from './kept-years.ts'
import { isDue, type Knowledge } from './knowledge.ts'
import type { ReadingOutcome } from './meter-readings.ts'
import { type Grouping, periodsOf } from './periods.ts'
import type { DayRange } from './range.ts'

/** A resolved question: two of the same have the same answer. */
export interface ConsumptionQuestion extends DayRange, AskedMeters {
  readonly grouping: Grouping
}

export interface MeterConsumption {
  readonly meter: LinkedMeter
  /** Undefined while nothing is known of the meter, which is not the same as nothing consumed. */
  readonly known: { readonly periods: readonly PeriodSum[]; readonly total: Sum; readonly asOf: Date } | undefined
}

export type SourceStatus = 'ok' | 'unavailable' | 'not_needed'

export interface SourceUse {
  readonly name: 'sic' | 'postpaid'
  readonly status: SourceStatus
  readonly asOf: Date | undefined
}

export interface Consumption {
  readonly question: ConsumptionQuestion
  /** What is older is not kept. */
  readonly knownFrom: Day
  readonly meters: readonly MeterConsumption[]
  readonly total: Sum
  /** The oldest of what is shown; undefined when nothing is. */
  readonly asOf: Date | undefined
  /** A source that should have been asked was not to be had. */
  readonly stale: boolean
  readonly sources: readonly SourceUse[]
}

/**
 * Answers from PostgreSQL, after asking the sources for what is missing or old there. `beforeLooking` is awaited
 * before the links and entries that the answer is made of are read: whatever changes later, the caller can tell.
 */
export async function consumptionOf(
  knowledge: Knowledge,
  question: ConsumptionQuestion,
  beforeLooking: () => Promise<void>,
): Promise<Consumption> {
  const outcomes = new Map<string, ReadingOutcome>()
  for (;;) {
    await beforeLooking()
    const histories = await knowledge.histories(question)
    const due = histories.filter(({ meter, state }) => !outcomes.has(meter.id) && isDue(knowledge, state))
    if (due.length === 0) return assemble(knowledge, question, histories, outcomes)
    const read = await knowledge.readings.read(due.map(({ meter }) => meter))
    for (const [id, outcome] of read) outcomes.set(id, outcome)
  }
}

async function assemble(
  knowledge: Knowledge,
  question: ConsumptionQuestion,
  histories: readonly MeterHistory[],
  outcomes: ReadonlyMap<string, ReadingOutcome>,
): Promise<Consumption> {
  if (histories.length > 0 && histories.every(({ state }) => state === undefined)) throw nothingKnown()
  const periods = periodsOf(question, question.grouping)
  const amounts = await amountsOf(knowledge.db, histories, question)
  const meters = histories.map(({ meter, state }) => {
    if (state === undefined) return { meter, known: undefined }
    const sums = sumByPeriod(periods, amounts.get(meter.id) ?? [])
    return { meter, known: { periods: sums, total: sumOf(sums), asOf: state.readAt } }
  })
  const sources = (['prepaid', 'postpaid'] as const).map((kind) => sourceUse(kind, meters, outcomes))
  return {
    question,
    knownFrom: firstKeptDay(knowledge.now(), knowledge.keptYears),
    meters,
    total: sumOf(meters.flatMap(({ known }) => known?.total ?? [])),
    asOf: oldest(meters),
    stale: sources.some((source) => source.status === 'unavailable'),
    sources,
  }
}

function sourceUse(
  kind: LinkedMeter['kind'],
  all: readonly MeterConsumption[],
  outcomes: ReadonlyMap<string, ReadingOutcome>,
): SourceUse {
  const meters = all.filter(({ meter }) => meter.kind === kind)
  const came = new Set(meters.map(({ meter }) => outcomes.get(meter.id)))
  const status = came.has('failed') ? 'unavailable' : came.has('read') ? 'ok' : 'not_needed'
  return { name: kind === 'prepaid' ? 'sic' : 'postpaid', status, asOf: oldest(meters) }
}

function oldest(meters: readonly MeterConsumption[]): Date | undefined {
  return meters.flatMap(({ known }) => known?.asOf ?? []).toSorted((a, b) => a.getTime() - b.getTime())[0]
}
