import { Fraction } from './fraction.ts'
import type { Purchase } from './purchase.ts'

export type Line =
  | { readonly kind: 'redevance' | 'tco' | 'tva' | 'rounding'; readonly amount_xof: number }
  | {
      readonly kind: 'tranche'
      readonly tranche: number
      readonly energy_kwh: number
      readonly price_xof: number
      readonly amount_xof: number
    }

/** A purchase as it is shown: whole francs, and tenths of a kWh as on the ticket of a Woyofal meter. */
export interface Ticket {
  readonly amountXof: number
  readonly energyKwh: number
  /** To the hundredth; undefined where nothing is bought. */
  readonly averageXofPerKwh: number | undefined
  /** They add up to the amount, and the tranches to the energy. Lines of 0 F that give no energy are left out. */
  readonly lines: readonly Line[]
}

const TICKET_PLACES = 1

/**
 * The one place where a purchase is rounded: the energy to the nearest 0.1 kWh, halves up, and each line to the
 * nearest franc, halves up; what the francs then miss is the line `rounding`.
 */
export function ticketOf({ amountXof, redevanceXof, sales, energyKwh }: Purchase): Ticket {
  const sum = (parts: readonly Fraction[]): number =>
    parts.reduce((all, part) => all.plus(part), Fraction.zero).rounded(0)
  const amount = amountXof.rounded(0)
  const priced: Line[] = [
    { kind: 'redevance', amount_xof: redevanceXof.rounded(0) },
    ...trancheLines(sales),
    { kind: 'tco', amount_xof: sum(sales.map((sale) => sale.tcoXof)) },
    { kind: 'tva', amount_xof: sum(sales.map((sale) => sale.tvaXof)) },
  ]
  const rounding = priced.reduce((left, line) => left - line.amount_xof, amount)
  const lines: Line[] = [...priced, { kind: 'rounding', amount_xof: rounding }]
  const energy = energyKwh.rounded(TICKET_PLACES)
  return {
    amountXof: amount,
    energyKwh: energy,
    averageXofPerKwh:
      energy === 0
        ? undefined
        : Fraction.of(amount * 10)
            .over(tenthsOf(energy))
            .rounded(2),
    lines: lines.filter((line) => line.amount_xof !== 0 || (line.kind === 'tranche' && line.energy_kwh !== 0)),
  }
}

/** The ticket rounds the sum, so a tranche is shown what the sum has grown by. */
function trancheLines(sales: Purchase['sales']): Line[] {
  let soldKwh = Fraction.zero
  let shownTenths = 0
  return sales.map(({ tranche, energyKwh, priceXof }) => {
    soldKwh = soldKwh.plus(energyKwh)
    const tenths = soldKwh.times(Fraction.of(10)).rounded(0)
    const line: Line = {
      kind: 'tranche',
      tranche: tranche.number,
      energy_kwh: (tenths - shownTenths) / 10,
      price_xof: tranche.priceXof.rounded(4),
      amount_xof: priceXof.rounded(0),
    }
    shownTenths = tenths
    return line
  })
}

function tenthsOf(energyKwh: number): Fraction {
  return Fraction.of(Math.round(energyKwh * 10))
}
