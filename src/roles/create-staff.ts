import { parseArgs } from 'node:util'
import type { Env } from '#src/config/load.ts'
import { createStaff } from '#src/modules/accounts/create-account.ts'
import { Refusal } from './command.ts'
import { readSecret } from './secret-input.ts'
import { withDatabase } from './with-database.ts'

const STAFF_ROLES = ['agent', 'admin', 'service'] as const

export async function run(args: readonly string[], env: Env): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      login: { type: 'string' },
      role: { type: 'string' },
      agency: { type: 'string' },
      'first-name': { type: 'string', default: '' },
      'last-name': { type: 'string', default: '' },
      'password-file': { type: 'string' },
    },
  })
  const { login, agency } = values
  const role = STAFF_ROLES.find((candidate) => candidate === values.role)
  if (login === undefined || login.trim() === '') throw new Refusal('create-staff needs --login')
  if (role === undefined) throw new Refusal(`create-staff needs --role, one of ${STAFF_ROLES.join(', ')}`)
  if ((role === 'agent') !== (agency !== undefined)) {
    throw new Refusal('an agent needs --agency, and nobody else may have one')
  }
  const password = await readSecret(values['password-file'], 'password')
  const names = { firstName: values['first-name'], lastName: values['last-name'] }
  const agencyCode = agency === undefined ? {} : { agencyCode: agency }
  const id = await withDatabase(env, (db) => createStaff(db, { login, password, role, ...agencyCode, ...names }))
  process.stdout.write(`${id}\n`)
  return 0
}
