import type { Kysely } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { hashSecret } from '#src/modules/accounts/secrets.ts'
import { copyReadings, fillSource } from './history.ts'
import { type BenchDevice, insertPeople, personAt } from './people.ts'
import type { SystemUnderTest } from './system.ts'
import { serviceToken, tokenSigner } from './tokens.ts'

export interface BenchCustomer {
  readonly id: string
  readonly phone: string
  readonly accessToken: string
  readonly device: BenchDevice
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
    const tokenOf = tokenSigner(system.jwtSecret)
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
    return {
      customers: people.map(({ id, phone, device }) => ({ id, phone, device, accessToken: tokenOf(id, 'customer') })),
      pin: PIN,
      pinHash,
      serviceToken: await serviceToken(database.db, tokenOf),
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
