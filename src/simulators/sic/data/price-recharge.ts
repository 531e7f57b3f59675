import type { DemoTariffClass } from './demo-identities.ts'
import { publicTariff, REDEVANCE_XOF, TCO_RATE, tvaRate } from './public-tariff.ts'

export interface Recharge {
  readonly tariffClass: DemoTariffClass
  readonly phase: 'single' | 'three'
  readonly day: string
  readonly amountXof: number
  readonly debtXof: number
  /** What the meter bought earlier in the calendar month. */
  readonly monthToDateKwh: number
  readonly firstOfMonth: boolean
}

interface Tranche {
  readonly energyKwh: number
  readonly priceXof: number
  readonly amountXof: number
}

export interface PricedRecharge {
  /** To 0.1 kWh, as on a ticket, and the sum of the tranches. */
  readonly energyKwh: number
  readonly beforeTaxXof: number
  readonly tcoXof: number
  readonly tvaXof: number
  readonly tranches: readonly [Tranche, Tranche, Tranche]
}

const cents = (value: number): number => Math.round(value * 100) / 100
const tenths = (value: number): number => Math.round(value * 10) / 10

/** Splits what is paid into rental, debt, tranches and taxes; the parts add up to the amount to the cent. */
export function priceRecharge(recharge: Recharge): PricedRecharge {
  const tariff = publicTariff(recharge.tariffClass, 'prepaid', recharge.day)
  const rental = recharge.firstOfMonth ? REDEVANCE_XOF[recharge.phase] : 0
  const ceilings = [...tariff.upToKwh, Number.POSITIVE_INFINITY]
  let money = recharge.amountXof - rental - recharge.debtXof
  let bought = 0
  let ticketed = 0
  let tva = 0
  const tranches = tariff.prices.map((priceXof, place): Tranche => {
    const rate = 1 + TCO_RATE + (place === 2 ? tvaRate(recharge.tariffClass) : 0)
    const room = Math.max(0, (ceilings[place] ?? 0) - recharge.monthToDateKwh - bought)
    const exact = Math.min(room, money / (priceXof * rate))
    money -= exact * priceXof * rate
    bought += exact
    // The sum is what a ticket rounds, so a tranche gets what the sum has grown by.
    const energyKwh = tenths(tenths(bought) - ticketed)
    ticketed = tenths(bought)
    if (place === 2) tva = cents(exact * priceXof * tvaRate(recharge.tariffClass))
    return { energyKwh, priceXof, amountXof: cents(exact * priceXof) }
  })
  const tcoXof = cents(tranches.reduce((sum, tranche) => sum + tranche.amountXof, 0) * TCO_RATE)
  return {
    energyKwh: ticketed,
    beforeTaxXof: cents(recharge.amountXof - recharge.debtXof - tcoXof - tva),
    tcoXof,
    tvaXof: tva,
    tranches: tranches as [Tranche, Tranche, Tranche],
  }
}
