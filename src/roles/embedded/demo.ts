import { randomBytes } from 'node:crypto'
import type { Db, Tx } from '#src/database/database.ts'
import { hashSecret } from '#src/modules/accounts/secrets.ts'
import { DEMO_LOGINS } from '#src/roles/parts/demo-logins.ts'
import { demoIdentities } from '#src/simulators/sic/data/demo-identities.ts'

/** Loads the demo world once: a database that has its admin is left as it is. */
export async function seedDemo(db: Db): Promise<void> {
  const { login } = DEMO_LOGINS.admin
  const seeded = await db.selectFrom('account').select('id').where('login', '=', login).executeTakeFirst()
  if (seeded !== undefined) return
  const hashes = await demoHashes()
  await db.transaction().execute(async (tx) => {
    const agencyIds = await seedAgencies(tx)
    const accountIds = await seedCustomers(tx, hashes)
    await seedStaff(tx, hashes, agencyIds)
    const meterIds = await seedMeters(tx, agencyIds)
    await seedLinks(tx, meterIds, accountIds)
  })
}

async function demoHashes() {
  return {
    customer1: await hashSecret(DEMO_LOGINS.customer1.pin),
    customer2: await hashSecret(DEMO_LOGINS.customer2.pin),
    agent: await hashSecret(DEMO_LOGINS.agent.password),
    admin: await hashSecret(DEMO_LOGINS.admin.password),
    // The other customers are there to be seen by staff; nobody logs in as one of them.
    nobody: await hashSecret(randomBytes(32).toString('base64url')),
  }
}

type Hashes = Awaited<ReturnType<typeof demoHashes>>
type Ids = ReadonlyMap<string, string>

async function seedAgencies(tx: Tx): Promise<Ids> {
  const rows = await tx
    .insertInto('agency')
    .values(
      demoIdentities.agencies.map(({ code, sicName, displayName }) => ({
        code,
        name: displayName,
        source_name: sicName,
      })),
    )
    .returning(['code', 'id'])
    .execute()
  return new Map(rows.map(({ code, id }) => [code, id]))
}

async function seedCustomers(tx: Tx, hashes: Hashes): Promise<Ids> {
  const hashOf = new Map<string, string>([
    [DEMO_LOGINS.customer1.phone, hashes.customer1],
    [DEMO_LOGINS.customer2.phone, hashes.customer2],
  ])
  const rows = await tx
    .insertInto('account')
    .values(
      demoIdentities.customers.map(({ phone, firstName, lastName }) => ({
        role: 'customer' as const,
        phone,
        first_name: firstName,
        last_name: lastName,
        secret_hash: hashOf.get(phone) ?? hashes.nobody,
      })),
    )
    .returning(['phone', 'id'])
    .execute()
  return new Map(rows.map(({ phone, id }) => [phone ?? '', id]))
}

async function seedStaff(tx: Tx, hashes: Hashes, agencyIds: Ids): Promise<void> {
  await tx
    .insertInto('account')
    .values([
      {
        role: 'agent',
        login: DEMO_LOGINS.agent.login,
        secret_hash: hashes.agent,
        agency_id: idOf(agencyIds, demoIdentities.agentAgencyCode),
        first_name: 'Agent',
        last_name: 'Démo',
      },
      {
        role: 'admin',
        login: DEMO_LOGINS.admin.login,
        secret_hash: hashes.admin,
        agency_id: null,
        first_name: 'Admin',
        last_name: 'Démo',
      },
    ])
    .execute()
}

async function seedMeters(tx: Tx, agencyIds: Ids): Promise<Ids> {
  const rows = await tx
    .insertInto('meter')
    .values(
      demoIdentities.meters.map((meter) => ({
        kind: meter.kind,
        number: meter.number,
        police: meter.kind === 'prepaid' ? meter.police : null,
        agency_id: idOf(agencyIds, meter.agencyCode),
        tariff_class: meter.tariffClass,
        phase: meter.phase,
      })),
    )
    .returning(['number', 'id'])
    .execute()
  return new Map(rows.map(({ number, id }) => [number, id]))
}

async function seedLinks(tx: Tx, meterIds: Ids, accountIds: Ids): Promise<void> {
  const withDefault = new Set<string>()
  const owned = demoIdentities.meters.map(({ number, ownerPhone }) => {
    const isFirst = !withDefault.has(ownerPhone)
    withDefault.add(ownerPhone)
    return { number, phone: ownerPhone, role: 'owner' as const, is_default: isFirst }
  })
  const shared = demoIdentities.acceptedShares.map(({ meterNumber, phone }) => ({
    number: meterNumber,
    phone,
    role: 'shared' as const,
    is_default: false,
  }))
  await tx
    .insertInto('meter_link')
    .values(
      [...owned, ...shared].map(({ number, phone, role, is_default }) => ({
        meter_id: idOf(meterIds, number),
        account_id: idOf(accountIds, phone),
        role,
        state: 'accepted' as const,
        is_default,
        decided_at: new Date(),
      })),
    )
    .execute()
}

function idOf(ids: Ids, key: string): string {
  const id = ids.get(key)
  if (id === undefined) throw new Error(`the demo world names ${key}, which it does not define`)
  return id
}
