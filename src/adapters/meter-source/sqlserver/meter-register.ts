import type { MeterRegister, RegisteredSupply } from '#src/ports/meter-register.ts'
import { SqlServerClient } from './client.ts'
import { type Delivered, requiredText, toDelivered } from './delivered.ts'
import type { SqlServerOptions } from './options.ts'
import { statements } from './statements.ts'

/** The lists of prepaid meters and contract accounts, both in database SIC. */
export function sqlServerMeterRegister(options: SqlServerOptions): MeterRegister {
  const client = new SqlServerClient(options)
  return {
    async prepaidSupplies(number, signal) {
      const rows = toDelivered(await client.query(statements.suppliesOfMeter, { number }, signal))
      return rows.map((row) => supplyFrom(row, requiredText(row, 'police')))
    },
    async postpaidSupplies(account, signal) {
      const rows = toDelivered(await client.query(statements.suppliesOfAccount, { account }, signal))
      return rows.map((row) => supplyFrom(row, null))
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

function supplyFrom(row: Delivered, police: string | null): RegisteredSupply {
  return {
    police: police?.trim() ?? null,
    phone: textOf(row, 'phone'),
    agencyName: textOf(row, 'agency'),
    tariffCode: textOf(row, 'tariff'),
  }
}

/** Columns of fixed length come padded with spaces. */
function textOf(row: Delivered, name: string): string | null {
  const text = row[name]?.trim()
  return text === undefined || text === '' ? null : text
}
