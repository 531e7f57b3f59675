import { type Day, dayOf, isDay, startOf } from '#src/core/calendar.ts'
import { type PostpaidBill, type PrepaidSale, SourceUnavailable } from '#src/ports/meter-source.ts'
import { scaledInteger } from './decimal.ts'

/** A sale or bill as we keep it. */
export interface Entry {
  readonly sourceKey: string
  readonly day: Day
  readonly occurredAt: Date
  readonly energyWh: number
  readonly amountXof: number
  readonly delivered: Readonly<Record<string, string | null>>
}

export function fromSale(sale: PrepaidSale): Entry {
  if (Number.isNaN(sale.soldAt.getTime())) throw malformed('sale', 'date')
  return {
    sourceKey: sale.orderNumber,
    day: dayOf(sale.soldAt),
    occurredAt: sale.soldAt,
    energyWh: exact('sale', 'energy', sale.energyKwh, 3),
    amountXof: exact('sale', 'amount', sale.amountXof, 0),
    delivered: sale.delivered,
  }
}

export function fromBill(bill: PostpaidBill): Entry {
  if (!isDay(bill.billedOn)) throw malformed('bill', 'date')
  return {
    sourceKey: bill.billId,
    day: bill.billedOn,
    occurredAt: startOf(bill.billedOn),
    energyWh: exact('bill', 'energy', bill.energyKwh, 3),
    amountXof: exact('bill', 'amount', bill.amountXof, 0),
    delivered: bill.delivered,
  }
}

/** The sources' tables may repeat a row; of one key the last counts. */
export function withoutRepeats(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.sourceKey, entry])).values()]
}

function exact(row: string, field: string, text: string, places: number): number {
  const value = scaledInteger(text, places)
  if (value === undefined) throw malformed(row, field)
  return value
}

/** A value that cannot be read leaves the meter as it was known: leaving the row out would show too little. */
function malformed(row: string, field: string): SourceUnavailable {
  return new SourceUnavailable('malformed', { cause: new Error(`a ${row} has no readable ${field}`) })
}
