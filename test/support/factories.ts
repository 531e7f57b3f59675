import { randomInt, randomUUID } from 'node:crypto'
import type { Db } from '#src/database/database.ts'
import { createCustomer, createStaff } from '#src/modules/accounts/create-account.ts'

/** Rows that tests need, each with names of its own unless told otherwise. */

/** Each is another, as phones and agencies' codes are few enough for two random ones to be the same. */
let phones = randomInt(10_000_000)
let agencies = randomInt(1_000_000)

export function aPhone(): string {
  phones = (phones + 1) % 10_000_000
  return `+22177${String(phones).padStart(7, '0')}`
}

export const TEST_PIN = '9371'
export const TEST_PASSWORD = 'a password for tests'

export async function aCustomer(db: Db, { phone = aPhone(), pin = TEST_PIN } = {}) {
  const id = await createCustomer(db, { phone, pin, firstName: 'Awa', lastName: 'Ndiaye' })
  return { id, phone, pin }
}

export async function anAgency(db: Db) {
  agencies = (agencies + 1) % 1_000_000
  const code = `A${agencies}`
  const { id } = await db
    .insertInto('agency')
    .values({ code, name: `Agence ${code}`, source_name: `AGENCE ${code}` })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, code }
}

export async function aStaffMember(db: Db, role: 'agent' | 'admin' | 'service', agencyCode?: string) {
  const login = `staff.${randomUUID()}`
  const scope = agencyCode === undefined ? {} : { agencyCode }
  const id = await createStaff(db, { login, password: TEST_PASSWORD, role, ...scope })
  return { id, login, password: TEST_PASSWORD }
}

export async function aMeter(
  db: Db,
  { agencyId, kind = 'prepaid' }: { agencyId?: string; kind?: 'prepaid' | 'postpaid' } = {},
) {
  const number = String(randomInt(10_000_000_000, 99_999_999_999))
  const police = kind === 'prepaid' ? String(randomInt(100_000_000, 999_999_999)) : null
  const { id } = await db
    .insertInto('meter')
    .values({ kind, number, police, agency_id: agencyId ?? null, tariff_class: 'DPP', phase: 'single' })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, kind, number, police }
}

export async function aLink(
  db: Db,
  link: {
    meterId: string
    accountId: string
    role?: 'owner' | 'shared'
    state?: 'pending' | 'accepted' | 'refused' | 'revoked'
  },
): Promise<void> {
  const { meterId, accountId, role = 'owner', state = 'accepted' } = link
  await db.insertInto('meter_link').values({ meter_id: meterId, account_id: accountId, role, state }).execute()
}
