/**
 * What do PostgreSQL, Redis and RabbitMQ give through our clients, beside the seed's figures for each and beside what
 * the engines' own programs or the bare library get out of the same servers?
 */
import type { MessageLoop } from './spawned/message-loop.ts'
import type { QueryLoop, QueryLoopResult } from './spawned/query-loop.ts'
import type { RedisLoop } from './spawned/redis-loop.ts'
import { type Child, startChild } from './support/child.ts'
import { type DatabaseEngines, databaseEngines } from './support/database-engines.ts'
import { pgbench, redisBenchmark } from './support/engine-benchmarks.ts'
import { openedResources } from './support/opened.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { type Spread, spreadOf } from './support/spread.ts'
import { figure, type Table } from './support/table.ts'
import { type TaskEngines, taskEngines } from './support/task-engines.ts'

const ROUNDS = 3
const CONNECTIONS = 10
const MEASURED_MS = 1_000
const AT_A_TIME = 64
const REDIS_REQUESTS = 60_000
const MESSAGES = 5_000

interface Row {
  readonly label: string
  readonly run: () => Promise<number | undefined>
  readonly isOurs?: true
}

interface Component {
  readonly title: string
  readonly unit: string
  readonly seed: number
  readonly rows: readonly Row[]
}

type Measured = Component & { readonly results: readonly (readonly (number | undefined)[])[] }

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const [databases, engines] = await Promise.all([databaseEngines(opened), taskEngines(opened)])
  const components = [postgresRows(databases, opened), redisRows(engines, opened), rabbitmqRows(engines, opened)]
  const measured: Measured[] = []
  for (const component of components) {
    const results: (number | undefined)[][] = component.rows.map(() => [])
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [place, { run }] of component.rows.entries()) results[place]!.push(await run())
    }
    measured.push({ ...component, results })
  }
  return findings(measured)
}

function spawned<Question, Answer>(opened: AsyncDisposableStack, script: string): Child<Question, Answer> {
  return opened.use(startChild<Question, Answer>(new URL(`spawned/${script}`, import.meta.url)))
}

function postgresRows({ directUrl, pooledUrl, accountIds }: DatabaseEngines, opened: AsyncDisposableStack): Component {
  const loop = spawned<QueryLoop, QueryLoopResult>(opened, 'query-loop.ts')
  const order = { ids: accountIds, connections: CONNECTIONS, warmUpMs: 200, measuredMs: MEASURED_MS }
  const query = (url: string) => async () => (await loop.ask({ ...order, url })).queriesPerSecond
  const peer = { connections: CONNECTIONS, seconds: MEASURED_MS / 1_000, accountId: accountIds[0]! }
  return {
    title: `PostgreSQL: lookups by key over ${CONNECTIONS} connections`,
    unit: 'queries/s',
    seed: 5_000,
    rows: [
      { label: 'ours, Kysely over pg, through PgBouncer', run: query(pooledUrl), isOurs: true },
      { label: 'ours, past PgBouncer', run: query(directUrl) },
      { label: 'pgbench, through PgBouncer', run: () => pgbench(pooledUrl, peer) },
      { label: 'pgbench, past PgBouncer', run: () => pgbench(directUrl, peer) },
    ],
  }
}

function redisRows({ redisUrl: url }: TaskEngines, opened: AsyncDisposableStack): Component {
  const loop = spawned<RedisLoop, number>(opened, 'redis-loop.ts')
  const order = { url, atATime: AT_A_TIME, measuredMs: MEASURED_MS }
  const ours = (kind: 'get' | 'set', by: 'cache' | 'client') => () => loop.ask({ ...order, kind, by })
  const peer = (kind: 'get' | 'set', over: 'one' | 'many') => () =>
    redisBenchmark(url, { kind, atATime: AT_A_TIME, over, requests: REDIS_REQUESTS })
  return {
    title: `Redis: operations on 100 bytes, ${AT_A_TIME} at a time`,
    unit: 'operations/s',
    seed: 50_000,
    rows: [
      { label: 'GET, our cache (bounded wait)', run: ours('get', 'cache') },
      { label: 'GET, our connection', run: ours('get', 'client'), isOurs: true },
      { label: 'GET, redis-benchmark, one connection', run: peer('get', 'one') },
      { label: `GET, redis-benchmark, ${AT_A_TIME} connections`, run: peer('get', 'many') },
      { label: 'SET, our cache (bounded wait)', run: ours('set', 'cache') },
      { label: 'SET, our connection', run: ours('set', 'client') },
      { label: `SET, redis-benchmark, ${AT_A_TIME} connections`, run: peer('set', 'many') },
    ],
  }
}

function rabbitmqRows({ brokerUrl: url }: TaskEngines, opened: AsyncDisposableStack): Component {
  const loop = spawned<MessageLoop, number>(opened, 'message-loop.ts')
  const run = (by: 'adapter' | 'amqplib') => () => loop.ask({ url, by, messages: MESSAGES })
  return {
    title: 'RabbitMQ: persistent messages of 500 bytes, published, confirmed, delivered and acked by one process',
    unit: 'messages/s',
    seed: 1_000,
    rows: [
      { label: 'our adapter', run: run('adapter'), isOurs: true },
      { label: 'amqplib alone', run: run('amqplib') },
    ],
  }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function cell(results: readonly (number | undefined)[]): string {
  const values = results.filter((result) => result !== undefined)
  return values.length === 0 ? 'not installed' : shown(spreadOf(values))
}

function tableOf({ title, unit, seed, rows, results }: Measured): Table {
  return {
    title,
    columns: ['by', unit, 'seed'],
    rows: rows.map(({ label }, place) => [label, cell(results[place]!), figure(seed)]),
  }
}

function findings(measured: readonly Measured[]): Findings {
  return {
    tables: measured.map(tableOf),
    limits: measured.flatMap(({ rows, results, seed, unit }) =>
      rows.flatMap(({ label, isOurs }, place) => {
        if (isOurs !== true) return []
        const spread = spreadOf(results[place]!.map(Number))
        return [
          {
            what: `${label}: ${unit}`,
            measured: shown(spread),
            limit: `≥ ${figure(seed)}`,
            isMet: spread.median >= seed,
          },
        ]
      }),
    ),
    notes: [
      `Median of ${ROUNDS} rounds (least–most), all rows one after the other in each. Client and server share the cores; ours is one event loop.`,
      'PostgreSQL does not wait for the disk here, which these reads do not feel; Redis keeps its append-only file and RabbitMQ its durable queue.',
      'The cache gives up on a slow Redis: its timer for every call is the difference to the connection.',
    ],
    raw: {
      results: measured.map(({ title, rows, results }) => ({
        title,
        rows: rows.map((row, at) => ({ ...row, results: results[at] })),
      })),
    },
  }
}

await runBenchmark(
  'components',
  "What do PostgreSQL, Redis and RabbitMQ give through our clients, beside the seed's figures and the engines' own programs?",
  measure,
)
