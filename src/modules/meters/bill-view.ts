import { averagePrice } from '#src/modules/consumption/aggregate.ts'
import { centimes, dayOfColumn, type Delivered, kilowattHours, textOf } from './delivered.ts'
import type { StoredEntry } from './entry-page.ts'
import { francsOf, wholeFrancs } from './whole-francs.ts'

/** A bill as it was delivered: nothing of it is priced anew, for whether bands follow the days is not published. */
export function toBill(entry: StoredEntry) {
  const { delivered } = entry
  const days = Number(textOf(delivered, 'NBJRS_') ?? Number.NaN)
  return {
    number: billNumber(delivered),
    billed_on: entry.day,
    due_on: dayOfColumn(delivered, 'DATEECH') ?? null,
    days: Number.isInteger(days) && days >= 0 ? days : null,
    energy_kwh: entry.energyWh / 1_000,
    tranches: [1, 2, 3].flatMap((tranche) => tranchePart(delivered, tranche)),
    ...chargesOf(entry),
    amount_xof: entry.amountXof,
    average_xof_per_kwh: averagePrice(entry),
  }
}

/** For statements that need nothing else of a bill. */
export const BILL_NUMBER_COLUMN = 'numFact'

/** As it is printed on the bill, which the key of its row at the source is not. */
export function billNumber(delivered: Delivered): string | null {
  return textOf(delivered, BILL_NUMBER_COLUMN) ?? null
}

/** In francs that add up to what is billed, where the source's centimes do; else each is rounded on its own. */
function chargesOf({ delivered, amountXof }: StoredEntry) {
  const beforeTax = centimes(delivered, 'BT_MONT_HT')
  const tco = centimes(delivered, 'BT_MONT_TCO') ?? centimes(delivered, 'MONT_TCO')
  const tva = centimes(delivered, 'MONT_TVA')
  const charges = [beforeTax ?? 0, tco ?? 0, tva ?? 0]
  const [beforeTaxXof = 0, tcoXof = 0, tvaXof = 0] =
    francsOf(charges) === amountXof ? wholeFrancs(charges, amountXof) : charges.map((charge) => francsOf([charge]))
  return {
    amount_before_tax_xof: beforeTax === undefined ? null : beforeTaxXof,
    tco_xof: tco === undefined ? null : tcoXof,
    tva_xof: tva === undefined ? null : tvaXof,
  }
}

function tranchePart(delivered: Delivered, tranche: number) {
  const energyKwh = kilowattHours(delivered, `BT_CONSOM${tranche}`)
  return energyKwh === undefined || energyKwh === 0 ? [] : [{ tranche, energy_kwh: energyKwh }]
}
