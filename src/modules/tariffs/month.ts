import { costPerKwh, type Phase, type Tariff } from './tariff.ts'
import { Fraction } from './fraction.ts'
import { type MonthPosition, redevanceDue, roomIn } from './purchase.ts'

/** How far a tranche of the month is filled. Energy to the Wh. */
export interface TrancheState {
  readonly tranche: number
  readonly fromKwh: number
  /** Undefined for the last, as is what is left of it. */
  readonly toKwh: number | undefined
  /** Before tax, and with all taxes. */
  readonly priceXof: number
  readonly taxedPriceXof: number
  readonly usedKwh: number
  readonly leftKwh: number | undefined
  /** Whole francs that can still be spent at this tranche's price, taxes included, without the redevance. */
  readonly leftXof: number | undefined
}

export function trancheStates(tariff: Tariff, { boughtKwh }: MonthPosition): TrancheState[] {
  return tariff.tranches.map((tranche) => {
    const { fromKwh, toKwh } = tranche
    const left = roomIn(tranche, boughtKwh)
    const reached = boughtKwh.less(fromKwh)
    const used = toKwh === undefined || left === undefined ? reached : toKwh.less(fromKwh).less(left)
    const cost = costPerKwh(tranche)
    return {
      tranche: tranche.number,
      fromKwh: fromKwh.rounded(3),
      toKwh: toKwh?.rounded(3),
      priceXof: tranche.priceXof.rounded(4),
      taxedPriceXof: cost.rounded(3),
      usedKwh: used.rounded(3),
      leftKwh: left?.rounded(3),
      leftXof: left === undefined ? undefined : Number(left.times(cost).floor()),
    }
  })
}

/** What the next purchase of the month pays for the meter before it buys any energy. */
export function redevanceAhead(tariff: Tariff, phase: Phase, position: MonthPosition): number {
  return redevanceDue(tariff, phase, position).rounded(0)
}

export function positionOf(boughtWh: number, isFirstPurchase: boolean): MonthPosition {
  return { boughtKwh: Fraction.of(boughtWh, 1_000), isFirstPurchase }
}
