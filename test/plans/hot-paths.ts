import type { CompiledQuery } from 'kysely'
import { hashSecret } from '#src/modules/accounts/secrets.ts'
import { createStaff } from '#src/modules/accounts/create-account.ts'
import { claimDue } from '#src/modules/notifications/sending/due-deliveries.ts'
import { fanOutStep } from '#src/modules/notifications/sending/fan-out.ts'
import { beginSending } from '#src/modules/notifications/sending/sending.ts'
import { sqlChunkStore } from '#src/modules/notifications/sending/sql-chunk-store.ts'
import { customerAt } from '#src/roles/generate/customer.ts'
import { fillCustomers } from '#src/roles/generate/fill.ts'
import { withClient } from '#src/roles/generate/with-client.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { TEST_PASSWORD, TEST_PIN } from '#test/support/factories.ts'
import { type Recorder, recorderOf } from './recorder.ts'

/** A way through the product that must stay quick however many customers there are, and what it asked the database. */
export interface HotPath {
  readonly name: string
  readonly statements: readonly CompiledQuery[]
  /** The years of consumption that its range touches; undefined: it has no range. */
  readonly years: readonly number[] | undefined
}

export interface HotPaths extends AsyncDisposable {
  readonly url: string
  readonly paths: readonly HotPath[]
}

interface Sizes {
  readonly customers: number
  readonly withHistory: number
}

const NOW = new Date('2026-03-15T10:00:00Z')
/** Those in whose place the paths are gone: from the middle, like anybody. */
const PLACE = 1_234
const CHUNK = 20

/** Fills a database with customers, so many of them with a history, goes every hot path once through the product itself, and writes down its statements. */
export async function hotPaths({ customers, withHistory }: Sizes): Promise<HotPaths> {
  let url = ''
  let recorder: Recorder | undefined
  const api = await testApi({
    clock: () => NOW.getTime(),
    reach: (own) => (url = own),
    through: (db) => (recorder = recorderOf(db)).db,
  })
  try {
    if (recorder === undefined) throw new Error('the API has no database')
    const paths = await goEveryPath(api, recorder, url, { customers, withHistory })
    return { url, paths, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
  } catch (error) {
    await api[Symbol.asyncDispose]()
    throw error
  }
}

async function goEveryPath(api: TestApi, recorder: Recorder, url: string, sizes: Sizes): Promise<HotPath[]> {
  const order = { seed: 'plans', until: NOW, pinHash: await hashSecret(TEST_PIN) }
  await fillCustomers(url, { ...order, months: 36, customers: sizes.withHistory }, 0, () => {})
  await fillCustomers(url, { ...order, months: 0, customers: sizes.customers }, sizes.withHistory, () => {})
  const world = await messages(api, url, order.seed, Math.min(sizes.customers, MOST_RECIPIENTS))
  recorder.take()
  const paths: HotPath[] = []
  const path: Path = async (name, years, go) => {
    await go()
    paths.push({ name, years, statements: unique(recorder.take()) })
  }
  await customerPaths(api, customerAt(order.seed, PLACE), path)
  await staffPaths(api, world, path)
  await sendingPaths(recorder.db, world, path)
  return paths
}

type Path = (name: string, years: readonly number[] | undefined, go: () => Promise<unknown>) => Promise<void>

/** Of statements that differ in their parameters alone, the first. */
function unique(statements: readonly CompiledQuery[]): CompiledQuery[] {
  return [...new Map(statements.toReversed().map((statement) => [statement.sql, statement])).values()].toReversed()
}

const MOST_RECIPIENTS = 10_000

interface World {
  readonly agencyId: string
  readonly admin: string
  readonly agent: string
  readonly customerId: string
  /** To every customer, each listed; some are to be tried again. */
  readonly listedId: string
  readonly broadcastId: string
}

/** Staff, messages to many by name and to an agency, and pushes that are to be tried again. */
async function messages(api: TestApi, url: string, seed: string, recipients: number): Promise<World> {
  const { db } = api.database
  const agency = await db.selectFrom('agency').select(['id', 'code']).orderBy('code').limit(1).executeTakeFirstOrThrow()
  await createStaff(db, { login: 'admin.plans', password: TEST_PASSWORD, role: 'admin' })
  await createStaff(db, { login: 'agent.plans', password: TEST_PASSWORD, role: 'agent', agencyCode: agency.code })
  const [admin, agent] = [await loginOf(api, 'admin.plans'), await loginOf(api, 'agent.plans')]
  const everyone = Array.from({ length: recipients }, (_, place) => customerAt(seed, place).accountId)
  const text = { title: 'Coupure', body: 'Travaux demain', priority: 'normal' }
  const toListed = { ...text, audience: { kind: 'users', user_ids: everyone } }
  const [listedId, earlierId] = [await sent(api, admin, toListed), await sent(api, admin, toListed)]
  const broadcastId = await sent(api, admin, { ...text, audience: { kind: 'agency', agency_id: agency.id } })
  // Past the pool and its time limit.
  await withClient(url, async (client) => {
    await client.query(
      `insert into delivery (notification_id, device_id, state, attempts, first_tried_at, next_attempt_at, updated_at)
      select case when id < '08000000-0000-0000-0000-000000000000' then $1::uuid else $2::uuid end,
        id, 'retrying', 1, $3, $3, $3 from device`,
      [listedId, earlierId, NOW],
    )
    await client.query('analyze')
  })
  const customer = await db
    .selectFrom('meter_link')
    .innerJoin('meter', 'meter.id', 'meter_link.meter_id')
    .innerJoin('meter_reading_state as known', 'known.meter_id', 'meter.id')
    .select('account_id as id')
    .where('meter.agency_id', '=', agency.id)
    .orderBy('account_id')
    .limit(1)
    .executeTakeFirstOrThrow()
  return { agencyId: agency.id, admin, agent, customerId: customer.id, listedId, broadcastId }
}

async function loginOf(api: TestApi, login: string): Promise<string> {
  const payload = { login, password: TEST_PASSWORD }
  const answer = await api.server.app.inject({ method: 'POST', url: '/api/login', payload })
  return `Bearer ${answer.json().access_token}`
}

async function sent(api: TestApi, authorization: string, payload: object): Promise<string> {
  const answer = await api.server.app.inject({
    method: 'POST',
    url: '/notifications',
    headers: { authorization },
    payload,
  })
  if (answer.statusCode !== 202) throw new Error(`a notification was refused: ${answer.body}`)
  return answer.json().id
}

async function read(api: TestApi, authorization: string, url: string): Promise<void> {
  const answer = await api.server.app.inject({ url, headers: { authorization } })
  if (answer.statusCode !== 200) throw new Error(`GET ${url} is ${answer.statusCode}: ${answer.body}`)
}

async function customerPaths(api: TestApi, customer: ReturnType<typeof customerAt>, path: Path): Promise<void> {
  const { accountId, meterId, phone } = customer
  let authorization = ''
  await path('log in', undefined, async () => {
    const device = { id: customer.deviceId, platform: customer.platform }
    const payload = { phone, pin: TEST_PIN, device }
    const answer = await api.server.app.inject({ method: 'POST', url: '/api/login', payload })
    authorization = `Bearer ${answer.json().access_token}`
  })
  const get = (name: string, years: readonly number[] | undefined, url: string) =>
    path(name, years, () => read(api, authorization, url))
  await get('consumption, default range', [2025, 2026], `/api/consumption/${accountId}`)
  await get('consumption, by day', [2026], `/api/consumption/${accountId}?from=2026-01-15&to=2026-03-15&group_by=day`)
  await get('consumption, a quarter', [2024], `/api/consumption/${accountId}?from=2024-02-01&to=2024-05-01`)
  await get('comparison of a month', [2025, 2026], `/api/consumption/${accountId}/comparison`)
  const year = 'from=2025-01-01&to=2026-01-01'
  await get('export of a year', [2025], `/api/consumption/${accountId}/export?format=csv&${year}`)
  await get('profile', undefined, `/api/users/${accountId}`)
  await get('my meters', undefined, '/api/meters')
  await get('inbox', undefined, `/api/users/${accountId}/notifications`)
  if (customer.kind === 'prepaid') {
    await get('month of a meter', [2025, 2026], `/api/meters/${meterId}/month`)
    await get('purchases of a meter', [2024, 2025, 2026, 2027], `/api/meters/${meterId}/purchases`)
  }
}

async function staffPaths(api: TestApi, { admin, agent, customerId, listedId }: World, path: Path): Promise<void> {
  const get = (name: string, years: readonly number[] | undefined, url: string, who: string) =>
    path(name, years, () => read(api, who, url))
  await get('consumption, for an agent', [2025, 2026], `/api/consumption/${customerId}`, agent)
  await get('status of a notification', undefined, `/api/notifications/${listedId}`, admin)
  const to = (audience: object) => () => sent(api, admin, { title: 'a', body: 'b', priority: 'high', audience })
  await path('notification to a user', undefined, to({ kind: 'user', user_id: customerId }))
}

async function sendingPaths(db: Recorder['db'], { listedId, broadcastId }: World, path: Path): Promise<void> {
  const [listed, broadcast] = [await beginSending(db, listedId, NOW), await beginSending(db, broadcastId, NOW)]
  if (listed === undefined || broadcast === undefined) throw new Error('there is nothing to send')
  const chunks = sqlChunkStore(db)
  const range = { after: '40000000-0000-0000-0000-000000000000', through: '40800000-0000-0000-0000-000000000000' }
  await path('fan-out of a list', undefined, () => fanOutStep(db, listed, CHUNK, NOW))
  await path('devices of a chunk of a list', undefined, () => chunks.devices(listed, range))
  await path('devices of a chunk of a broadcast', undefined, () => chunks.devices(broadcast, range))
  await path('pushes that are due again', undefined, () => claimDue(db, listedId, NOW.getTime()))
}
