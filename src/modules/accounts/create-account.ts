import type { Db } from '#src/database/database.ts'
import { accountErrors } from './errors.ts'
import { normalisePhone } from './phone.ts'
import { hashSecret, isAcceptablePassword, isAcceptablePin } from './secrets.ts'

export interface NewCustomer {
  readonly phone: string
  readonly pin: string
  readonly firstName?: string
  readonly lastName?: string
}

export interface NewStaff {
  readonly login: string
  readonly password: string
  readonly role: 'agent' | 'admin' | 'service'
  readonly agencyCode?: string
  readonly firstName?: string
  readonly lastName?: string
}

/** Returns the new account's id. Throws `invalid-phone`, `weak-secret` or `phone-taken`. */
export async function createCustomer(db: Db, input: NewCustomer): Promise<string> {
  const phone = normalisePhone(input.phone)
  if (phone === undefined) throw accountErrors.invalidPhone()
  if (!isAcceptablePin(input.pin)) throw accountErrors.weakSecret()
  const names = { first_name: input.firstName ?? '', last_name: input.lastName ?? '' }
  const created = await db
    .insertInto('account')
    .values({ role: 'customer', phone, secret_hash: await hashSecret(input.pin), ...names })
    .onConflict((conflict) => conflict.column('phone').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (created === undefined) throw accountErrors.phoneTaken()
  return created.id
}

/** Returns the new account's id. An agent needs an agency; the other roles have none. */
export async function createStaff(db: Db, input: NewStaff): Promise<string> {
  if (!isAcceptablePassword(input.password)) throw accountErrors.weakSecret()
  const agencyId = input.role === 'agent' ? await agencyIdOf(db, input.agencyCode) : null
  const names = { first_name: input.firstName ?? '', last_name: input.lastName ?? '' }
  const created = await db
    .insertInto('account')
    .values({
      role: input.role,
      login: input.login.trim().toLowerCase(),
      secret_hash: await hashSecret(input.password),
      agency_id: agencyId,
      ...names,
    })
    .onConflict((conflict) => conflict.column('login').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (created === undefined) throw accountErrors.loginTaken()
  return created.id
}

async function agencyIdOf(db: Db, code: string | undefined): Promise<string> {
  const agency = await db
    .selectFrom('agency')
    .select('id')
    .where('code', '=', code ?? '')
    .executeTakeFirst()
  if (agency === undefined) throw accountErrors.unknownAgency()
  return agency.id
}
