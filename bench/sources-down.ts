/**
 * Both of the utility's databases are dead for five minutes, half of the time silent and half of it refusing. What do
 * customers get meanwhile, how long do they wait for it, how many sockets does the dead cost, and how soon does the
 * return show?
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { redisCache } from '#src/adapters/cache/redis.ts'
import { createLogger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { forgetUsers } from '#src/modules/consumption/answer-version.ts'
import { aHousehold } from '#test/support/consumption-api.ts'
import { FickleWire, type WireState } from '#test/support/fickle-wire.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { openedResources } from './support/opened.ts'
import { productionEngines } from './support/production.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile } from './support/spread.ts'
import { counted, figure } from './support/table.ts'
import { tokenSigner } from './support/tokens.ts'

const CUSTOMERS = 25
const PER_SECOND = 20
const PHASES: readonly { readonly state: WireState; readonly seconds: number }[] = [
  { state: 'open', seconds: 10 },
  { state: 'silent', seconds: 150 },
  { state: 'refusing', seconds: 150 },
  { state: 'open', seconds: 20 },
]
const GROUPINGS = ['month', 'day', 'week', 'quarter', 'year']
/** How long a request waits for its sources, and what it may take beside on a machine that has other work. */
const WAIT_LIMIT_MS = 5_000 + 500
const RECOVERY_LIMIT_S = 10
const SOCKET_LIMIT = 8

interface Answered {
  readonly at: number
  readonly ms: number
  readonly isAnswered: boolean
  readonly isStale: boolean
}

interface Customer {
  readonly id: string
  readonly token: string
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const system = await productionEngines(opened)
  const sic = opened.use(await sicUnderTest())
  const wires = [opened.use(await FickleWire.start(sic.port)), opened.use(await FickleWire.start(sic.port))] as const
  const api = await system.api({
    SIC_URL: sourceUrl(sic, 'SIC', wires[0]),
    POSTPAID_URL: sourceUrl(sic, 'HISTH2MC', wires[1]),
    SIC_PASSWORD: sic.options('SIC').password,
    POSTPAID_PASSWORD: sic.options('HISTH2MC').password,
  })
  const { db } = system.database
  const customers = await knownCustomers(db, tokenSigner(system.settings['JWT_SECRET'] ?? ''))
  // Each question is answered once, so that everybody is known before anything is measured.
  for (const { id, token } of customers) await ask(`${api.url}/api/consumption/${id}`, token, 0)
  const asked: Answered[][] = []
  for (const { state, seconds } of PHASES) {
    for (const wire of wires) wire.turn(state)
    // From the first death on, each answer needs the sources.
    if (asked.length === 1) await makeOld(db, system.settings['REDIS_URL'] ?? '', customers)
    asked.push(await load(api.url, customers, seconds))
  }
  return findings(asked, Math.max(...wires.map((wire) => wire.mostClients)))
}

function sourceUrl(sic: SicUnderTest, database: 'SIC' | 'HISTH2MC', wire: FickleWire): string {
  return `sqlserver://${sic.options(database).user}@127.0.0.1:${wire.port}/${database}?encrypt=off`
}

async function knownCustomers(db: Db, tokenOf: ReturnType<typeof tokenSigner>): Promise<Customer[]> {
  const customers: Customer[] = []
  for (let place = 0; place < CUSTOMERS; place += 1) {
    const { id } = await aHousehold(db, 'prepaid', 'postpaid')
    customers.push({ id, token: tokenOf(id, 'customer') })
  }
  return customers
}

/** What is known is an hour old, and no answer is kept. */
async function makeOld(db: Db, redisUrl: string, customers: readonly Customer[]): Promise<void> {
  const anHour = sql`interval '1 hour'`
  await sql`update meter_reading_state
    set read_at = read_at - ${anHour}, whole_history_at = whole_history_at - ${anHour}`.execute(db)
  await using cache = redisCache({ url: redisUrl, log: createLogger('warn', process.stderr) })
  // A cache that is still connecting forgets nothing, and says so to nobody.
  while ((await cache.get('bench')) === undefined) {
    await delay(50)
    await cache.set('bench', 'connected', 60_000)
  }
  await forgetUsers(
    cache,
    customers.map(({ id }) => id),
  )
}

/** Requests at a steady rate, whether the ones before have been answered or not. */
async function load(url: string, customers: readonly Customer[], seconds: number): Promise<Answered[]> {
  const startedAt = performance.now()
  const asking: Promise<Answered>[] = []
  for (let index = 0; index < seconds * PER_SECOND; index += 1) {
    await delay(Math.max(0, startedAt + (index * 1_000) / PER_SECOND - performance.now()))
    const customer = customers[index % customers.length]!
    // Each customer asks each question in turn.
    const grouping = GROUPINGS[Math.floor(index / customers.length) % GROUPINGS.length]!
    asking.push(ask(`${url}/api/consumption/${customer.id}?group_by=${grouping}`, customer.token, startedAt))
  }
  return Promise.all(asking)
}

async function ask(url: string, token: string, startedAt: number): Promise<Answered> {
  const askedAt = performance.now()
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  const body = (await response.json()) as { readonly energy_kwh?: number | null; readonly stale?: boolean }
  return {
    at: askedAt - startedAt,
    ms: performance.now() - askedAt,
    isAnswered: response.status === 200 && typeof body.energy_kwh === 'number',
    isStale: body.stale === true,
  }
}

function findings(asked: readonly Answered[][], mostSockets: number): Findings {
  const dead = asked.slice(1, 3).flat()
  const share = (of: readonly Answered[], what: (one: Answered) => boolean): number =>
    of.filter(what).length / of.length
  const [answered, stale] = [share(dead, (one) => one.isAnswered), share(dead, (one) => one.isStale)]
  const slowest = Math.max(...dead.map((one) => one.ms))
  const backAfter = Math.max(0, ...(asked[3] ?? []).filter((one) => one.isStale).map((one) => one.at)) / 1_000
  const percent = (part: number): string => `${figure(part * 100)} %`
  return {
    tables: [
      {
        title: `${PER_SECOND} requests a second of ${CUSTOMERS} customers with two meters each`,
        columns: ['sources', 'seconds', 'requests', 'answered', 'stale', 'P50 ms', 'P99 ms', 'longest ms'],
        rows: PHASES.map(({ state, seconds }, place) => {
          const phase = asked[place] ?? []
          const times = ascending(phase.map((one) => one.ms))
          return [
            place === 0 ? 'well' : place === 3 ? 'back' : state,
            String(seconds),
            counted(phase.length),
            percent(share(phase, (one) => one.isAnswered)),
            percent(share(phase, (one) => one.isStale)),
            figure(percentile(times, 50)),
            figure(percentile(times, 99)),
            figure(times.at(-1) ?? 0),
          ]
        }),
      },
    ],
    limits: [
      {
        what: 'known customers answered while both are dead',
        measured: percent(answered),
        limit: '100 %',
        isMet: answered === 1,
      },
      {
        what: 'of these marked stale',
        measured: percent(stale),
        limit: '100 %',
        isMet: stale === 1,
      },
      {
        what: 'longest wait, ms',
        measured: figure(slowest),
        limit: `≤ ${counted(WAIT_LIMIT_MS)}`,
        isMet: slowest <= WAIT_LIMIT_MS,
      },
      {
        what: 'last request that was answered stale after their return, s',
        measured: figure(backAfter),
        limit: `≤ ${RECOVERY_LIMIT_S}`,
        isMet: backAfter <= RECOVERY_LIMIT_S,
      },
      {
        what: 'sockets open to one source at a time',
        measured: String(mostSockets),
        limit: `≤ ${SOCKET_LIMIT}`,
        isMet: mostSockets <= SOCKET_LIMIT,
      },
    ],
    notes: [
      'One API process of production over PgBouncer and Redis; the sources are the SQL Server simulator behind a wire that is turned silent (connections are taken, nothing is said), then refusing.',
      'Everything known is an hour old when the sources die, so that no answer is fresh without them.',
    ],
    raw: { slowestMs: slowest, backAfterSeconds: backAfter, mostSockets },
  }
}

await runBenchmark(
  'sources-down',
  'Both sources dead for five minutes: who is answered, how long does it take, how soon does their return show?',
  measure,
)
