import { dayOf } from '#src/core/calendar.ts'
import type { Knowledge } from '#src/modules/consumption/knowledge.ts'
import type { Asked, ClassSituation } from './asked.ts'
import { tariffErrors } from './errors.ts'
import { type Estimate, estimate, type Question, type Wanted } from './estimate.ts'
import { debtOf, meterMonth } from './meter-month.ts'
import { positionOf } from './month.ts'
import type { TariffMeter } from './queries.ts'
import type { TariffBook } from './tariff-book.ts'
import type { TariffClass } from './tariff.ts'

export interface TariffParts {
  readonly knowledge: Knowledge
  readonly book: TariffBook
}

/** An estimate for the situation that the caller describes. */
export function estimateForClass(parts: TariffParts, situation: ClassSituation, wanted: Wanted): Estimate {
  const today = dayOf(parts.knowledge.now())
  const day = situation.at ?? today
  if (situation.mode === 'postpaid') throw tariffErrors.postpaidNotSimulated()
  return estimate({
    tariff: parts.book.at(situation.class, situation.mode, day, today),
    phase: situation.phase,
    position: positionOf(situation.boughtWh, situation.isFirstPurchase),
    wanted,
    day,
    isAhead: day > today,
    meter: undefined,
  })
}

/** An estimate for where the meter stands in its month today. */
export async function estimateForMeter(parts: TariffParts, meter: TariffMeter, wanted: Asked['wanted']) {
  const { knowledge, book } = parts
  const tariffClass = simulatedClass(meter)
  const month = await meterMonth(knowledge, meter)
  const debtXof = await debtOf(knowledge, meter, month.day)
  const question: Question = {
    tariff: book.at(tariffClass, 'prepaid', month.day, month.day),
    phase: meter.phase ?? 'single',
    position: positionOf(month.energyWh, month.isFirstPurchase),
    wanted,
    day: month.day,
    isAhead: false,
    meter: { id: meter.id, asOf: month.asOf, isStale: month.isStale, debtXof, isPhaseAssumed: meter.phase === null },
  }
  return estimate(question)
}

/** The class by which a prepaid meter pays. How the bands of a two-month bill are counted is not settled. */
export function simulatedClass(meter: TariffMeter): TariffClass {
  if (meter.kind !== 'prepaid') throw tariffErrors.postpaidNotSimulated()
  if (meter.tariffClass === null) throw tariffErrors.unknownMeterClass()
  return meter.tariffClass
}
