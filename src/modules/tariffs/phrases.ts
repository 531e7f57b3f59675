import type { Day } from '#src/core/calendar.ts'
import type { Fraction } from './fraction.ts'
import type { Phase, TariffClass } from './tariff.ts'

/** Everything that an explanation can say, a sentence each; what is said, and in which order, is decided elsewhere. */
export interface Phrases {
  buys(amountXof: number, energyKwh: number, averageXof: number | undefined): string
  costs(wantedKwh: number, amountXof: number, averageXof: number | undefined): string
  redevance(amountXof: number, phase: Phase): string
  redevanceNotCovered(dueXof: number): string
  redevancePaid(): string
  phaseAssumed(redevanceXof: number): string
  tranche(tranche: TrancheWords): string
  tco(amountXof: number, rate: Fraction): string
  tva(amountXof: number, rate: Fraction, aboveKwh: number): string
  noTvaYet(aboveKwh: number): string
  tvaUnknown(tariffClass: TariffClass): string
  rounding(amountXof: number): string
  /** The same amount would buy more at the start of a month. */
  moreAsFirst(firstKwh: number, nowKwh: number, boughtKwh: number): string
  /** It would buy less, because the redevance would be taken. */
  lessAsFirst(firstKwh: number): string
  /** The purchase reaches a tranche that is dearer than the first. */
  dearerTranche(boughtKwh: number, tranche: number): string
  /** A second purchase of the same amount buys less. */
  lessAsSecond(amountXof: number, secondKwh: number, firstKwh: number): string
  /** It buys as much or more, because the redevance is taken once. */
  moreAsSecond(amountXof: number, secondKwh: number): string
  belowLeastPurchase(leastXof: number): string
  stampDuty(aboveXof: number): string
  debt(debtXof: number): string
  knownUntil(asOf: Date): string
  ahead(): string
  unconfirmed(tariffClass: TariffClass): string
  estimate(tariffClass: TariffClass, validFrom: Day, source: string): string
}

export interface TrancheWords {
  readonly number: number
  readonly fromKwh: number
  readonly toKwh: number | undefined
  readonly energyKwh: number
  readonly priceXof: number
  readonly amountXof: number
}
