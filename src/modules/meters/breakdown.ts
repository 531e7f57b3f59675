import { centimes, decimal, type Delivered, francs, kilowattHours } from './delivered.ts'
import { francsOf, wholeFrancs } from './whole-francs.ts'

const TRANCHES = [1, 2, 3] as const

/**
 * What the sum with taxes was for, in whole francs that add up to it. Where a part is not known, and with it the
 * rental, each is rounded on its own.
 */
export function breakdownOf(delivered: Delivered) {
  const tranches = TRANCHES.flatMap((tranche) => tranchePart(delivered, tranche))
  const [tco, tva] = [centimes(delivered, 'MONTANT_TCO'), centimes(delivered, 'MONTANT_TVA')]
  const parts = [tco ?? 0, tva ?? 0, centimes(delivered, 'DETTES') ?? 0, ...tranches.map((part) => part.centimes)]
  const sumXof = tco !== undefined && saysTranches(delivered) ? francs(delivered, 'MONTANT_TTC') : undefined
  const redevanceXof = sumXof === undefined ? null : redevanceOf(sumXof, parts)
  const [tcoXof = 0, tvaXof = 0, debtXof = 0, ...tranchesXof] =
    sumXof === undefined || redevanceXof === null
      ? parts.map((part) => francsOf([part]))
      : wholeFrancs(parts, sumXof - redevanceXof)
  return {
    tranches: tranches.map(({ centimes: _centimes, ...tranche }, place) => ({
      ...tranche,
      amount_xof: tranchesXof[place] ?? 0,
    })),
    tco_xof: tco === undefined ? null : tcoXof,
    tva_xof: tva === undefined ? null : tvaXof,
    redevance_xof: redevanceXof,
    debt_paid_xof: debtXof,
  }
}

/** Nothing for a tranche in which nothing was bought. */
function tranchePart(delivered: Delivered, tranche: number) {
  const { energyKwh, amount } = saidOf(delivered, tranche)
  if (energyKwh === undefined || amount === undefined || (energyKwh === 0 && amount === 0)) return []
  const price = decimal(delivered, `PRIX${tranche}`) ?? null
  return [{ tranche, energy_kwh: energyKwh, price_xof_per_kwh: price, centimes: amount }]
}

function saidOf(delivered: Delivered, tranche: number) {
  const amount = centimes(delivered, `MONTANT${tranche}`)
  return { energyKwh: kilowattHours(delivered, `ENERGIE${tranche}`), amount }
}

/** Whether each tranche is told, or empty: one of which only half is said would be taken for rental. */
function saysTranches(delivered: Delivered): boolean {
  const said = TRANCHES.map((tranche) => saidOf(delivered, tranche))
  return (
    said.some(({ amount }) => amount !== undefined) &&
    said.every(({ energyKwh, amount }) =>
      amount === undefined ? (energyKwh ?? 0) === 0 : energyKwh !== undefined || amount === 0,
    )
  )
}

/**
 * The source has no column for the meter's rental: it is what is left of the sum with taxes after the energy of each
 * tranche, TCO, TVA and the debt paid. Null where these exceed the sum.
 */
function redevanceOf(sumXof: number, parts: readonly number[]): number | null {
  const left = francsOf([sumXof * 100, ...parts.map((part) => -part)])
  return left < 0 ? null : left
}
