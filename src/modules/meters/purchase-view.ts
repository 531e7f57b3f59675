import { averagePrice } from '#src/modules/consumption/aggregate.ts'
import { breakdownOf } from './breakdown.ts'
import { francs, textOf } from './delivered.ts'
import type { StoredEntry } from './entry-page.ts'
import { rechargeCodes } from './recharge-codes.ts'

/** `seesCodes`: a recharge code is money, for the meter's owner and those with whom it is shared alone. */
export function toPurchase(entry: StoredEntry, seesCodes: boolean) {
  const { delivered } = entry
  return {
    order_number: entry.sourceKey,
    purchased_at: entry.occurredAt.toISOString(),
    amount_xof: entry.amountXof,
    energy_kwh: entry.energyWh / 1_000,
    average_xof_per_kwh: averagePrice(entry),
    ...breakdownOf(delivered),
    debt_left_xof: francs(delivered, 'SOLDE_DETTE') ?? null,
    rounding_xof: roundingXof(entry),
    sales_channel: textOf(delivered, 'NOM_OPERATEUR') ?? null,
    ...(seesCodes && { recharge_codes: rechargeCodes(textOf(delivered, 'TOKEN')) }),
  }
}

/** What the counter rounded off: the sum with taxes less what was paid, so that the parts less this are the amount. */
function roundingXof({ delivered, amountXof }: StoredEntry): number {
  const sumXof = francs(delivered, 'MONTANT_TTC')
  return sumXof === undefined ? (francs(delivered, 'ARRONDI') ?? 0) : sumXof - amountXof
}
