import { randomBytes } from 'node:crypto'
import { type CompiledQuery, type Kysely, sql } from 'kysely'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { consumptionOf } from '#src/modules/consumption/consumption.ts'
import { openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { rangeResolver } from '#src/modules/consumption/range.ts'
import { customerAt } from '#src/roles/generate/customer.ts'
import { fillCustomers } from '#src/roles/generate/fill.ts'
import { insertRows, rowOf } from '#src/simulators/sic/data/insert-rows.ts'
import { findSourceTable } from '#src/simulators/sic/data/tables.ts'
import { type SicServer, startSicServer } from '#src/simulators/sic/server.ts'
import { recorderOf } from '#test/plans/recorder.ts'
import { SERVER_VARIABLE } from '#test/support/postgres-server.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import { sourceDatabase } from '#test/support/source-database.ts'
import { productionEngines } from './production.ts'
import { tokenSigner } from './tokens.ts'

export const SEED = 'bench'

/** Engines of production, customers with three years of consumption each, and a SIC that has the same. */
export interface ConsumptionWorld {
  readonly system: RealSystem
  /** Past PgBouncer. */
  readonly directUrl: string
  readonly sic: SicServer
  readonly sources: Kysely<unknown>
  /** What an API needs to ask that SIC. */
  readonly sourceSettings: Readonly<Record<string, string>>
}

const LOGIN = 'samaconso_read'

export async function consumptionWorld(opened: AsyncDisposableStack): Promise<ConsumptionWorld> {
  const system = await productionEngines(opened)
  const { pathname } = new URL(system.settings['DATABASE_URL']!)
  const directUrl = Object.assign(new URL(process.env[SERVER_VARIABLE]!), { pathname }).href
  const source = opened.use(await sourceDatabase())
  const password = randomBytes(18).toString('base64url')
  const log = createLogger('error', process.stderr)
  const options = { host: '127.0.0.1', port: 0, databaseUrl: source.url, login: LOGIN, password, log }
  const sic = await startSicServer({ ...options, encryption: 'off' })
  opened.defer(() => sic.close())
  const address = (name: string): string => `sqlserver://${LOGIN}@127.0.0.1:${sic.port}/${name}?encrypt=off`
  const sourceSettings = {
    SIC_URL: address('SIC'),
    SIC_PASSWORD: password,
    POSTPAID_URL: address('HISTH2MC'),
    POSTPAID_PASSWORD: password,
  }
  return { system, directUrl, sic, sources: source.db, sourceSettings }
}

/** As of now, so that nothing falls due while it is measured. */
export async function fillTo({ directUrl }: { directUrl: string }, from: number, customers: number): Promise<number> {
  const order = { seed: SEED, months: 36, until: new Date(), customers, pinHash: 'nobody logs in' }
  return fillCustomers(directUrl, order, from, () => {})
}

export interface Reader {
  readonly accountId: string
  readonly meterId: string
  readonly path: string
  readonly token: string
}

/** The customers at these places, logged in. */
export function readersAt(places: readonly number[], jwtSecret: string): Reader[] {
  const tokenOf = tokenSigner(jwtSecret)
  return places.map((place) => {
    const { accountId, meterId } = customerAt(SEED, place)
    return { accountId, meterId, path: `/api/consumption/${accountId}`, token: tokenOf(accountId, 'customer') }
  })
}

/** What the product asks PostgreSQL for this customer's consumption, recorded from the product itself. */
export async function statementsOf(db: Db, userId: string): Promise<CompiledQuery[]> {
  const recorder = recorderOf(db)
  const log = createLogger('error', process.stderr)
  const sources = { prepaid: undefined, postpaid: undefined }
  const knowledge = openKnowledge({ ...sources, db: recorder.db, cache: memoryCache(), clock: systemClock, log })
  const range = rangeResolver(systemClock)({})
  const question = { userId, scope: { kind: 'all' as const }, meterId: undefined, ...range, grouping: 'month' as const }
  await consumptionOf(knowledge, question, async () => {})
  return recorder.take()
}

/** With the parameters written into it, as pgbench has nothing else to give it. */
export function asScript(statements: readonly CompiledQuery[]): string {
  return statements.map(({ sql: text, parameters }) => `${inlined(text, parameters)};`).join('\n')
}

function inlined(text: string, parameters: readonly unknown[]): string {
  return text.replaceAll('\n', ' ').replaceAll(/\$(\d+)/g, (_, number: string) => {
    const value = parameters[Number(number) - 1]
    return value === null ? 'null' : quoted(value)
  })
}

function quoted(value: unknown): string {
  const written = Array.isArray(value) ? `{${value.join(',')}}` : String(value)
  return `'${written.replaceAll("'", "''")}'`
}

/** SIC gets what PostgreSQL knows of these meters, of which the product then knows nothing. */
export async function moveToSource({ system, sources }: ConsumptionWorld, readers: readonly Reader[]): Promise<void> {
  const { db } = system.database
  const ids = readers.map((reader) => reader.meterId)
  for (const [kind, name] of [
    ['prepaid', 'HEXING_SENELECBILL_ALHDL2'],
    ['postpaid', 'Historique'],
  ] as const) {
    const table = findSourceTable(name)!
    const entries = await db
      .selectFrom('consumption_entry')
      .innerJoin('meter', 'meter.id', 'consumption_entry.meter_id')
      .select('delivered')
      .where('meter.id', 'in', ids)
      .where('meter.kind', '=', kind)
      .execute()
    await insertRows(
      sources,
      table,
      entries.map(({ delivered }) => rowOf(table, delivered)),
    )
  }
  await forgetReadings(db, readers)
}

/** The next read of these customers asks the source for everything. */
export async function forgetReadings(db: Db, readers: readonly Reader[]): Promise<void> {
  const ids = readers.map((reader) => reader.meterId)
  await db.deleteFrom('meter_reading_state').where('meter_id', 'in', ids).execute()
  await db.deleteFrom('consumption_entry').where('meter_id', 'in', ids).execute()
}

/** Everything that was read counts as read just now. */
export async function refreshStates(db: Db, readers: readonly Reader[]): Promise<void> {
  const ids = readers.map((reader) => reader.meterId)
  await sql`update meter_reading_state set read_at = now(), whole_history_at = now()
    where meter_id = any(${ids}::uuid[])`.execute(db)
}
