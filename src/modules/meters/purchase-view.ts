import { averagePrice } from '#src/modules/consumption/aggregate.ts'
import { centimes, decimal, type Delivered, francs, kilowattHours, textOf } from './delivered.ts'
import type { StoredEntry } from './entry-page.ts'
import { rechargeCodes } from './recharge-codes.ts'

const TRANCHES = [1, 2, 3] as const

/** `seesCodes`: a recharge code is money, for the meter's owner and those with whom it is shared alone. */
export function toPurchase(entry: StoredEntry, seesCodes: boolean) {
  const { delivered } = entry
  return {
    order_number: entry.sourceKey,
    purchased_at: entry.occurredAt.toISOString(),
    amount_xof: entry.amountXof,
    energy_kwh: entry.energyWh / 1_000,
    average_xof_per_kwh: averagePrice(entry),
    tranches: TRANCHES.flatMap((tranche) => tranchePart(delivered, tranche)),
    tco_xof: francs(delivered, 'MONTANT_TCO') ?? null,
    tva_xof: francs(delivered, 'MONTANT_TVA') ?? null,
    redevance_xof: redevanceXof(delivered),
    debt_paid_xof: francs(delivered, 'DETTES') ?? 0,
    debt_left_xof: francs(delivered, 'SOLDE_DETTE') ?? null,
    rounding_xof: francs(delivered, 'ARRONDI') ?? 0,
    sales_channel: textOf(delivered, 'NOM_OPERATEUR') ?? null,
    ...(seesCodes && { recharge_codes: rechargeCodes(textOf(delivered, 'TOKEN')) }),
  }
}

/** Nothing for a tranche in which nothing was bought. */
function tranchePart(delivered: Delivered, tranche: number) {
  const energyKwh = kilowattHours(delivered, `ENERGIE${tranche}`)
  const amountXof = francs(delivered, `MONTANT${tranche}`)
  if (energyKwh === undefined || amountXof === undefined || (energyKwh === 0 && amountXof === 0)) return []
  const price = decimal(delivered, `PRIX${tranche}`) ?? null
  return [{ tranche, energy_kwh: energyKwh, price_xof_per_kwh: price, amount_xof: amountXof }]
}

/**
 * The source has no column for the meter's rental: it is what is left of the sum with taxes after the energy of each
 * tranche, TCO, TVA and the debt paid, in exact centimes and rounded once. Null where a part is missing or the parts
 * exceed the sum.
 */
function redevanceXof(delivered: Delivered): number | null {
  const paid = centimes(delivered, 'MONTANT_TTC')
  const energy = TRANCHES.map((tranche) => centimes(delivered, `MONTANT${tranche}`) ?? 0)
  const hasEnergy = TRANCHES.some((tranche) => centimes(delivered, `MONTANT${tranche}`) !== undefined)
  const tco = centimes(delivered, 'MONTANT_TCO')
  if (paid === undefined || tco === undefined || !hasEnergy) return null
  const tva = centimes(delivered, 'MONTANT_TVA') ?? 0
  const debt = centimes(delivered, 'DETTES') ?? 0
  const left = Math.round((paid - energy.reduce((sum, part) => sum + part, 0) - tco - tva - debt) / 100)
  return left < 0 ? null : Math.abs(left)
}
