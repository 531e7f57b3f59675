import type { CustomerSource } from '#src/ports/customer-source.ts'
import { SqlServerClient } from './client.ts'
import { requiredText, toDelivered } from './delivered.ts'
import type { SqlServerOptions } from './options.ts'
import { statements } from './statements.ts'

const COUNTRY_CODE = '221'

/** The customers of database BI_ODS. */
export function sqlServerCustomerSource(options: SqlServerOptions): CustomerSource {
  const client = new SqlServerClient(options)
  return {
    async contractAccounts(phone, signal) {
      const rows = toDelivered(await client.query(statements.accountsOfPhone, spellingsOf(phone), signal))
      // SAP pads numbers with zeros that neither a bill nor a customer writes.
      return rows.map((row) => requiredText(row, 'VKONT').replace(/^0+(?=.)/, ''))
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** How SAP may hold the phone: its form there is not known, and a look-up by each of them can use the index. */
export function spellingsOf(phone: string): Record<'national' | 'withCountry' | 'withPlus' | 'withZeros', string> {
  const withCountry = phone.replace(/^\+/, '')
  const national = withCountry.startsWith(COUNTRY_CODE) ? withCountry.slice(COUNTRY_CODE.length) : withCountry
  return { national, withCountry, withPlus: `+${withCountry}`, withZeros: `00${withCountry}` }
}
