import type { PostpaidBill, PrepaidSale, SourceRange } from '#src/ports/meter-source.ts'
import { MemoryPostpaidSource, MemoryPrepaidSource } from '#test/support/memory-meter-source.ts'

/** The memory sources, with a list of what they were asked. */
export class AskedPrepaidSource extends MemoryPrepaidSource {
  readonly ranges: SourceRange[] = []

  override sales(...args: Parameters<MemoryPrepaidSource['sales']>): Promise<PrepaidSale[]> {
    this.ranges.push(args[1])
    return super.sales(...args)
  }
}

export class AskedPostpaidSource extends MemoryPostpaidSource {
  readonly ranges: SourceRange[] = []

  override bills(...args: Parameters<MemoryPostpaidSource['bills']>): Promise<PostpaidBill[]> {
    this.ranges.push(args[1])
    return super.bills(...args)
  }
}

let lastKey = 0

export function aSale(
  soldAt: string,
  energyKwh: string,
  amountXof: string,
  orderNumber = `order-${++lastKey}`,
): PrepaidSale {
  return { orderNumber, soldAt: new Date(soldAt), energyKwh, amountXof, delivered: { NUMERO_COMMANDE: orderNumber } }
}

export function aBill(
  billedOn: string,
  energyKwh: string,
  amountXof: string,
  billId = String(++lastKey),
): PostpaidBill {
  return { billId, billedOn, energyKwh, amountXof, delivered: { IDHistorique: billId } }
}
