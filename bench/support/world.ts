import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { type Db, openDatabase } from '#src/database/database.ts'
import { createStaff } from '#src/modules/accounts/create-account.ts'
import { hashSecret } from '#src/modules/accounts/secrets.ts'
import { accessTokens } from '#src/modules/accounts/tokens.ts'
import { copyReadings, fillSource } from './history.ts'
import type { SystemUnderTest } from './system.ts'

export interface BenchCustomer {
  readonly id: string
  readonly phone: string
  readonly accessToken: string
  /** As the app names itself at login. */
  readonly device: { readonly id: string; readonly platform: 'android'; readonly push_token: string }
}

export interface World {
  readonly customers: readonly BenchCustomer[]
  readonly pin: string
  /** Argon2id of the PIN, the same for all: hashing it for each would take longer than the benchmark. */
  readonly pinHash: string
  /** Of a program that may send notifications. */
  readonly serviceToken: string
}

const PIN = '4826'

/**
 * Makes customers who each own a prepaid meter with three years of sales, have a phone that pushes reach, and are logged
 * in. PostgreSQL knows their consumption as of the last quarter of an hour, the cache nothing but the first customer's.
 */
export async function makeWorld(system: SystemUnderTest, customers: number): Promise<World> {
  const log = createLogger('warn', process.stderr)
  const database = openDatabase({ url: system.databaseUrl, log })
  const sources = openDatabase({ url: Object.assign(new URL(system.databaseUrl), { pathname: '/sources' }).href, log })
  try {
    const pinHash = await hashSecret(PIN)
    const people = Array.from({ length: customers }, (_, place) => personAt(place))
    await insertPeople(database.db, people, pinHash)
    const neverRevoked = { has: () => false }
    const tokens = accessTokens(system.jwtSecret, neverRevoked, Date.now)
    const tokenOf = (accountId: string, role: 'customer' | 'service'): string =>
      tokens.sign({ accountId, sessionId: randomUUID(), role })
    const [first, ...others] = people
    await fillSource(
      sources.db as unknown as Kysely<unknown>,
      people.map(({ meter }) => meter),
    )
    await readThroughSource(system, first!.id, tokenOf(first!.id, 'customer'))
    await copyReadings(
      database.db,
      first!.meter,
      others.map(({ meter }) => meter),
    )
    const service = { login: 'bench.service', password: randomUUID(), role: 'service' as const }
    return {
      customers: people.map(({ id, phone, device }) => ({ id, phone, device, accessToken: tokenOf(id, 'customer') })),
      pin: PIN,
      pinHash,
      serviceToken: tokenOf(await createStaff(database.db, service), 'service'),
    }
  } finally {
    await Promise.all([database.close(), sources.close()])
  }
}

async function readThroughSource({ port }: SystemUnderTest, id: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`http://127.0.0.1:${port}/api/consumption/${id}`, { headers })
  const body = await answer.text()
  if (answer.headers.get('x-cache') !== 'MISS') throw new Error(`SIC was not asked: ${answer.status} ${body}`)
}

type Person = ReturnType<typeof personAt>

function personAt(place: number) {
  const id = randomUUID()
  return {
    id,
    phone: `+22176${String(place).padStart(7, '0')}`,
    meter: { id: randomUUID(), number: String(37_000_000_000 + place), police: String(500_000_000 + place) },
    device: { id: `installation-${id}`, platform: 'android' as const, push_token: `bench-${id}` },
  }
}

async function insertPeople(db: Db, people: readonly Person[], pinHash: string): Promise<void> {
  await db
    .insertInto('account')
    .values(
      people.map(({ id, phone }) => ({
        id,
        phone,
        role: 'customer' as const,
        secret_hash: pinHash,
        first_name: 'Awa',
      })),
    )
    .execute()
  await db
    .insertInto('device')
    .values(
      people.map(({ id, device }) => ({
        account_id: id,
        installation_id: device.id,
        platform: device.platform,
        target_kind: 'token' as const,
        target: device.push_token,
        target_renewed_at: new Date(),
      })),
    )
    .execute()
  await db
    .insertInto('meter')
    .values(
      people.map(({ meter }) => ({
        ...meter,
        kind: 'prepaid' as const,
        tariff_class: 'DPP' as const,
        phase: 'single' as const,
      })),
    )
    .execute()
  await db
    .insertInto('meter_link')
    .values(
      people.map(({ id, meter }) => ({
        account_id: id,
        meter_id: meter.id,
        role: 'owner' as const,
        state: 'accepted' as const,
      })),
    )
    .execute()
}
