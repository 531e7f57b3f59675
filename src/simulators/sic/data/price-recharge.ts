import type { DemoTariffClass } from './demo-types.ts'
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
  let money = recharge.amountXof - rental - recharge.debtXof
  let bought = 0
  let ticketed = 0
  const sellAt = (priceXof: number, ceilingKwh: number, taxRate: number): Tranche => {
    const costXof = priceXof * (1 + taxRate)
    const exact = Math.min(Math.max(0, ceilingKwh - recharge.monthToDateKwh - bought), money / costXof)
    money -= exact * costXof
    bought += exact
    // The sum is what a ticket rounds, so a tranche gets what the sum has grown by.
    const energyKwh = tenths(tenths(bought) - ticketed)
    ticketed = tenths(bought)
    return { energyKwh, priceXof, amountXof: cents(exact * priceXof) }
  }
  const tvaOnTop = tvaRate(recharge.tariffClass)
  const first = sellAt(tariff.prices[0], tariff.upToKwh[0], TCO_RATE)
  const second = sellAt(tariff.prices[1], tariff.upToKwh[1], TCO_RATE)
  const third = sellAt(tariff.prices[2], Number.POSITIVE_INFINITY, TCO_RATE + tvaOnTop)
  const tvaXof = cents(third.amountXof * tvaOnTop)
  const tcoXof = cents((first.amountXof + second.amountXof + third.amountXof) * TCO_RATE)
  return {
    energyKwh: ticketed,
    beforeTaxXof: cents(recharge.amountXof - recharge.debtXof - tcoXof - tvaXof),
    tcoXof,
    tvaXof,
    tranches: [first, second, third],
  }
}
