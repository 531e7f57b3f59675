import { parseArgs } from 'node:util'
import type { Env } from '#src/config/load.ts'
import { createCustomer } from '#src/modules/accounts/create-account.ts'
import { Refusal } from './command.ts'
import { readSecret } from './secret-input.ts'
import { withDatabase } from './with-database.ts'

export async function run(args: readonly string[], env: Env): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      phone: { type: 'string' },
      'first-name': { type: 'string', default: '' },
      'last-name': { type: 'string', default: '' },
      'pin-file': { type: 'string' },
    },
  })
  const { phone } = values
  if (phone === undefined) throw new Refusal('create-customer needs --phone')
  const pin = await readSecret(values['pin-file'], 'PIN')
  const names = { firstName: values['first-name'], lastName: values['last-name'] }
  const id = await withDatabase(env, (db) => createCustomer(db, { phone, pin, ...names }))
  process.stdout.write(`${id}\n`)
  return 0
}
