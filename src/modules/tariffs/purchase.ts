import { Fraction, smaller } from './fraction.ts'
import { costPerKwh, type Phase, type Tariff, type Tranche } from './tariff.ts'

/** Where a meter stands in its calendar month before a purchase. */
export interface MonthPosition {
  /** Bought earlier in the month: it is purchases, not consumption, that fill the tranches. */
  readonly boughtKwh: Fraction
  readonly isFirstPurchase: boolean
}

/** What one tranche sells in a purchase. */
export interface TrancheSale {
  readonly tranche: Tranche
  readonly energyKwh: Fraction
  /** Before tax. */
  readonly priceXof: Fraction
  readonly tcoXof: Fraction
  readonly tvaXof: Fraction
}

/** A purchase to the last fraction of a franc; its parts add up to the amount. */
export interface Purchase {
  readonly amountXof: Fraction
  readonly redevanceXof: Fraction
  readonly sales: readonly TrancheSale[]
  readonly energyKwh: Fraction
}

/** What the amount buys: the redevance is taken first, then the month's tranches are filled in order. */
export function buy(tariff: Tariff, phase: Phase, position: MonthPosition, amountXof: Fraction): Purchase {
  const redevanceXof = smaller(amountXof, redevanceDue(tariff, phase, position))
  let leftXof = amountXof.less(redevanceXof)
  const sales: TrancheSale[] = []
  for (const tranche of tariff.tranches) {
    const cost = costPerKwh(tranche)
    const affordable = leftXof.over(cost)
    const free = roomIn(tranche, position.boughtKwh)
    const energyKwh = free === undefined ? affordable : smaller(free, affordable)
    if (energyKwh.isZero()) continue
    sales.push(saleOf(tranche, energyKwh))
    leftXof = leftXof.less(energyKwh.times(cost))
  }
  const energyKwh = sales.reduce((sum, sale) => sum.plus(sale.energyKwh), Fraction.zero)
  return { amountXof, redevanceXof, sales, energyKwh }
}

/** What so much energy costs, redevance and taxes included. */
export function costOf(tariff: Tariff, phase: Phase, position: MonthPosition, energyKwh: Fraction): Fraction {
  let leftKwh = energyKwh
  let costXof = redevanceDue(tariff, phase, position)
  for (const tranche of tariff.tranches) {
    const free = roomIn(tranche, position.boughtKwh)
    const sold = free === undefined ? leftKwh : smaller(free, leftKwh)
    costXof = costXof.plus(sold.times(costPerKwh(tranche)))
    leftKwh = leftKwh.less(sold)
  }
  return costXof
}

export function redevanceDue(tariff: Tariff, phase: Phase, { isFirstPurchase }: MonthPosition): Fraction {
  return isFirstPurchase ? Fraction.of(tariff.redevanceXof[phase]) : Fraction.zero
}

/** What can still be bought in the tranche this month; undefined in the last one, which has no end. */
export function roomIn({ fromKwh, toKwh }: Tranche, boughtKwh: Fraction): Fraction | undefined {
  return toKwh?.less(boughtKwh.exceeds(fromKwh) ? boughtKwh : fromKwh)
}

function saleOf(tranche: Tranche, energyKwh: Fraction): TrancheSale {
  const priceXof = energyKwh.times(tranche.priceXof)
  return {
    tranche,
    energyKwh,
    priceXof,
    tcoXof: priceXof.times(tranche.tcoRate),
    tvaXof: priceXof.times(tranche.tvaRate),
  }
}
