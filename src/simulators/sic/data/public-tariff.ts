import type { DemoTariffClass } from './demo-types.ts'

/**
 * The public grid, only to make demo data look right: the product keeps its own dated tariffs. Source: CRSE decision
 * 2025-140 of 2025-12-26, in force since 2026-01-01, as the press quoted it; before that the grid of 2023-12-01,
 * which differs in the first price of the domestic and the professional class alone.
 */
export interface PublicTariff {
  /** Upper ends of the first and the second tranche, kWh a month. */
  readonly upToKwh: readonly [number, number]
  /** XOF per kWh before tax. Prepaid meters pay the second price in the third tranche as well. */
  readonly prices: readonly [number, number, number]
}

const CHANGED_ON = '2026-01-01'

const current: Readonly<Record<DemoTariffClass, PublicTariff>> = {
  DPP: { upToKwh: [150, 250], prices: [82, 136.49, 159.36] },
  PPP: { upToKwh: [50, 500], prices: [147.43, 189.84, 208.63] },
  DMP: { upToKwh: [50, 300], prices: [111.23, 143.54, 158.46] },
  PMP: { upToKwh: [100, 500], prices: [165.01, 191.01, 210.81] },
}

const firstPriceBefore: Partial<Record<DemoTariffClass, number>> = { DPP: 91.17, PPP: 163.81 }

/** @param day `YYYY-MM-DD` */
export function publicTariff(tariffClass: DemoTariffClass, mode: 'prepaid' | 'postpaid', day: string): PublicTariff {
  const { upToKwh, prices } = current[tariffClass]
  const first = (day < CHANGED_ON ? firstPriceBefore[tariffClass] : undefined) ?? prices[0]
  return { upToKwh, prices: [first, prices[1], mode === 'prepaid' ? prices[1] : prices[2]] }
}

/** The municipal tax on the energy's price. */
export const TCO_RATE = 0.025
/** On domestic energy above the second tranche; for the other classes the rule is not published and none is charged. */
export const tvaRate = (tariffClass: DemoTariffClass): number => (tariffClass === 'DPP' ? 0.18 : 0)
/** Meter rental in XOF, taken on the first recharge of a month. */
export const REDEVANCE_XOF = { single: 429, three: 1427 } as const
