import type { PrepaidSale, PrepaidSource } from '#src/ports/meter-source.ts'
import { SqlServerClient } from './client.ts'
import { decimalOf, type Delivered, momentOf, requiredText, toDelivered } from './delivered.ts'
import type { SqlServerOptions } from './options.ts'
import { rangeParameters } from './range.ts'
import { statements } from './statements.ts'

/** The sales of database SIC. */
export function sqlServerPrepaidSource(options: SqlServerOptions): PrepaidSource {
  const client = new SqlServerClient(options)
  return {
    async sales(meter, range, signal) {
      const parameters = { number: meter.number, police: meter.police, ...rangeParameters(range) }
      return toDelivered(await client.query(statements.salesOfMeter, parameters, signal)).map(saleFrom)
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

export function saleFrom(delivered: Delivered): PrepaidSale {
  return {
    orderNumber: requiredText(delivered, 'NUMERO_COMMANDE'),
    soldAt: momentOf(delivered, 'DATE_TRANSACTION'),
    energyKwh: decimalOf(delivered, 'ENERGIE_VENDUE'),
    amountXof: decimalOf(delivered, 'MONTANT_RECU', 'MONTANT_TTC'),
    delivered,
  }
}
