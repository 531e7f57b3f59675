import type { Day } from '#src/core/calendar.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'
import { type PeriodSum, type Sum, sumByPeriod, sumOf } from './aggregate.ts'
import { type AskedMeters, metersAsked } from './asked-meters.ts'
import { nothingKnown } from './errors.ts'
import { firstKeptDay } from './kept-years.ts'
import { isDue, type Knowledge } from './knowledge.ts'
import type { ReadingOutcome } from './meter-readings.ts'
import { amountsByMeter } from './month-sums.ts'
import { type Grouping, periodsOf } from './periods.ts'
import { type ReadingState, readingStates } from './queries.ts'
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
    const meters = await metersAsked(knowledge.db, question)
    const ids = meters.map((meter) => meter.id)
    const states = await readingStates(knowledge.db, ids)
    const due = meters.filter(({ id }) => !outcomes.has(id) && isDue(knowledge, states.get(id)))
    if (due.length === 0) {
      if (ids.length > 0 && states.size === 0) throw nothingKnown()
      return assemble(knowledge, question, meters, states, outcomes)
    }
    for (const [id, outcome] of await knowledge.readings.read(due)) outcomes.set(id, outcome)
  }
}

async function assemble(
  knowledge: Knowledge,
  question: ConsumptionQuestion,
  linked: readonly LinkedMeter[],
  states: ReadonlyMap<string, ReadingState>,
  outcomes: ReadonlyMap<string, ReadingOutcome>,
): Promise<Consumption> {
  const periods = periodsOf(question, question.grouping)
  const amounts = await amountsByMeter(knowledge.db, states, question, question.grouping)
  const meters = linked.map((meter) => {
    const state = states.get(meter.id)
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
