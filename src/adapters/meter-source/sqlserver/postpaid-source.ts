import type { PostpaidBill, PostpaidSource } from '#src/ports/meter-source.ts'
import { SqlServerClient } from './client.ts'
import { dayOf, decimalOf, type Delivered, requiredText, toDelivered } from './delivered.ts'
import type { SqlServerOptions } from './options.ts'
import { rangeParameters } from './range.ts'
import { statements } from './statements.ts'

/** The bills of database HISTH2MC. */
export function sqlServerPostpaidSource(options: SqlServerOptions): PostpaidSource {
  const client = new SqlServerClient(options)
  return {
    async bills(contractAccount, range, signal) {
      const parameters = { account: contractAccount, ...rangeParameters(range) }
      return toDelivered(await client.query(statements.billsOfAccount, parameters, signal)).map(billFrom)
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

export function billFrom(delivered: Delivered): PostpaidBill {
  return {
    billId: requiredText(delivered, 'IDHistorique'),
    billedOn: dayOf(delivered, 'DATFACT'),
    energyKwh: decimalOf(delivered, 'BT_CONSTOT'),
    amountXof: decimalOf(delivered, 'BT_MONT_TTC', 'MONT_TTC'),
    delivered,
  }
}
