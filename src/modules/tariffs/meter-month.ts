import { addDays, addYears, type Day, dayOf, firstOfMonth } from '#src/core/calendar.ts'
import { scaledInteger } from '#src/modules/consumption/decimal.ts'
import { broughtUpToDate, type Knowledge } from '#src/modules/consumption/knowledge.ts'
import { boughtBetween, lastDebt, type TariffMeter } from './queries.ts'

/** What a prepaid meter bought in the calendar month of Africa/Dakar. */
export interface MeterMonth {
  /** The day that was today when the month was chosen: what else is said of the month must be of the same day. */
  readonly day: Day
  readonly from: Day
  /** Exclusive. */
  readonly to: Day
  readonly energyWh: number
  readonly amountXof: number
  readonly isFirstPurchase: boolean
  readonly asOf: Date
  /** The source should have been asked again and was not to be had. */
  readonly isStale: boolean
}

/**
 * The month under way, after asking the source when what we know is old: a purchase of an hour ago moves the tranches.
 * Throws `consumption/source-unavailable` while nothing is known of the meter, which is not the same as nothing bought.
 */
export async function meterMonth(knowledge: Knowledge, meter: TariffMeter): Promise<MeterMonth> {
  const { asOf, stale } = await broughtUpToDate(knowledge, [meter])
  const day = dayOf(knowledge.now())
  const from = firstOfMonth(day)
  const to = firstOfMonth(from, 1)
  const { energyWh, amountXof } = await boughtBetween(knowledge.db, meter.id, from, to)
  return {
    day,
    from,
    to,
    // A purchase that was cancelled takes its energy, its amount and its redevance back.
    energyWh: Math.max(0, energyWh),
    amountXof,
    isFirstPurchase: amountXof <= 0,
    asOf: asOf ?? new Date(knowledge.now()),
    isStale: stale,
  }
}

/** What the meter still owed at its last purchase of the last year; undefined when no sale tells. */
export async function debtOf({ db }: Knowledge, meter: TariffMeter, today: Day): Promise<number | undefined> {
  const debt = await lastDebt(db, meter.id, addYears(today, -1), addDays(today, 1))
  return debt === undefined ? undefined : scaledInteger(debt, 0)
}
