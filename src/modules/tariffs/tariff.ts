import type { Day } from '#src/core/calendar.ts'
import type { Bilingual } from '#src/core/errors.ts'
import { Fraction } from './fraction.ts'

export const TARIFF_CLASSES = ['DPP', 'PPP', 'DMP', 'PMP'] as const
export type TariffClass = (typeof TARIFF_CLASSES)[number]
export type BillingMode = 'prepaid' | 'postpaid'
export type Phase = 'single' | 'three'

/** A stretch of the calendar month's kWh that has one price. */
export interface Tranche {
  /** From 1. */
  readonly number: number
  readonly fromKwh: Fraction
  /** Undefined for the last. */
  readonly toKwh: Fraction | undefined
  /** XOF per kWh before tax. */
  readonly priceXof: Fraction
  /** Of the price. */
  readonly tcoRate: Fraction
  /** Of the price; zero below the threshold of the TVA. */
  readonly tvaRate: Fraction
}

/** Prices of one class and billing mode from one day on, with what is added to them. */
export interface Tariff {
  readonly class: TariffClass
  readonly mode: BillingMode
  readonly validFrom: Day
  readonly source: Bilingual
  /** False when a price is known only from unofficial sources. */
  readonly isConfirmed: boolean
  /** Contiguous, from 0. */
  readonly tranches: readonly Tranche[]
  readonly tcoRate: Fraction
  readonly tvaRate: Fraction
  /** Undefined where it is not published whether and from where on the class pays TVA: none is counted. */
  readonly tvaAboveKwh: Fraction | undefined
  /** Meter rental, taken on the first purchase of a month. */
  readonly redevanceXof: Readonly<Record<Phase, number>>
  readonly leastPurchaseXof: number
  /** Above it a stamp duty is added of which the rate is not published. */
  readonly stampDutyAboveXof: number
}

/** What a kWh of the tranche costs, taxes included. */
export function costPerKwh({ priceXof, tcoRate, tvaRate }: Tranche): Fraction {
  return priceXof.times(Fraction.of(1).plus(tcoRate).plus(tvaRate))
}
