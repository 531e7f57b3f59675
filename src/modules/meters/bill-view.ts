import { averagePrice } from '#src/modules/consumption/aggregate.ts'
import { dayOfColumn, type Delivered, francs, kilowattHours, textOf } from './delivered.ts'
import type { StoredEntry } from './entry-page.ts'

/** A bill as it was delivered: nothing of it is computed anew, for whether bands follow the days is not published. */
export function toBill(entry: StoredEntry) {
  const { delivered } = entry
  const days = Number(textOf(delivered, 'NBJRS_') ?? Number.NaN)
  return {
    number: textOf(delivered, 'numFact') ?? null,
    billed_on: entry.day,
    due_on: dayOfColumn(delivered, 'DATEECH') ?? null,
    days: Number.isInteger(days) && days >= 0 ? days : null,
    energy_kwh: entry.energyWh / 1_000,
    tranches: [1, 2, 3].flatMap((tranche) => tranchePart(delivered, tranche)),
    amount_before_tax_xof: francs(delivered, 'BT_MONT_HT') ?? null,
    tco_xof: francs(delivered, 'BT_MONT_TCO') ?? francs(delivered, 'MONT_TCO') ?? null,
    tva_xof: francs(delivered, 'MONT_TVA') ?? null,
    amount_xof: entry.amountXof,
    average_xof_per_kwh: averagePrice(entry),
  }
}

function tranchePart(delivered: Delivered, tranche: number) {
  const energyKwh = kilowattHours(delivered, `BT_CONSOM${tranche}`)
  return energyKwh === undefined || energyKwh === 0 ? [] : [{ tranche, energy_kwh: energyKwh }]
}
