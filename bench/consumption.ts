/**
 * How quickly does one API process answer consumption: kept in Redis or in memory, made from PostgreSQL, or asked of a
 * source that takes 50 ms? Beside a bare `node:http` server, pgbench with the very same statements, and FastAPI with
 * asyncpg and redis in a process of its own, all in the same run.
 */
import { Agent, get } from 'node:http'
import type { ClosedLoop, ClosedLoopResult } from './spawned/closed-loop.ts'
import { startBareServer } from './support/bare.ts'
import { startChild } from './support/child.ts'
import { consumptionFindings, type ConsumptionRound, type SourceReads } from './support/consumption-findings.ts'
import {
  asScript,
  type ConsumptionWorld,
  consumptionWorld,
  fillTo,
  forgetReadings,
  moveToSource,
  type Reader,
  readersAt,
  statementsOf,
} from './support/consumption-world.ts'
import { pgbenchScripts } from './support/engine-benchmarks.ts'
import { fastapiPeer } from './support/fastapi-peer.ts'
import { getRequest } from './support/get-request.ts'
import { openedResources } from './support/opened.ts'
import { recordAnswer } from './support/recorded-answer.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { startSystem } from './support/system.ts'
import { makeWorld } from './support/world.ts'

const ROUNDS = 7
const CONNECTIONS = 64
/** As many as an API process has, and as its peers get. */
const DATABASE_CONNECTIONS = 10
const TIMES = { warmUpMs: 200, measuredMs: 1_000 }
const WARM_UP = { warmUpMs: 0, measuredMs: 1_500 }
/** More than are asked in a round, so that each answer is made anew; the cache is emptied before each round. */
const CUSTOMERS = 20_000
/** pgbench takes at most 128 scripts. */
const SCRIPTS = 100
const SOURCE_DELAY_MS = 50
/** Customers of whom only the source knows, and how many of them are asked for at a time. */
const COLD = 200
const COLD_AT_A_TIME = 4
const STAMPEDE = 1_000

interface Target {
  readonly port: number
  readonly pid: number
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const world = await consumptionWorld(opened)
  await fillTo(world, 0, CUSTOMERS)
  const { system } = world
  const { program, url } = await system.api(world.sourceSettings)
  const api = { port: Number(new URL(url).port), pid: program.pid }
  const jwtSecret = system.settings['JWT_SECRET']!
  const readers = readersAt(places(CUSTOMERS), jwtSecret)
  const peer = opened.use(await startPeer(world, api.port, readers[0]!))
  await compareBodies(api, peer, readers.slice(0, 50))
  const rounds = await measureRounds(world, { api, peer }, readers, opened)
  const cold = readers.slice(0, COLD)
  const source = await readThroughSource(world, api, cold)
  return consumptionFindings({
    rounds,
    source: { ...source, delayMs: SOURCE_DELAY_MS },
    stampede: { requests: STAMPEDE, ...(await stampede(world, api, cold[0]!)) },
    connections: CONNECTIONS,
    databaseConnections: DATABASE_CONNECTIONS,
    customers: CUSTOMERS,
  })
}

const places = (count: number): number[] => Array.from({ length: count }, (_, place) => place)

/** It answers for the range that ours does by default, and knows from when on history is kept. */
async function startPeer({ system, directUrl }: ConsumptionWorld, port: number, reader: Reader) {
  const ours = (await read(port, reader)).json as { from: string; to: string; known_from: string }
  return fastapiPeer({
    DATABASE_URL: directUrl,
    REDIS_URL: system.settings['REDIS_URL']!,
    JWT_SECRET: system.settings['JWT_SECRET']!,
    POOL: String(DATABASE_CONNECTIONS),
    FROM: ours.from,
    TO: ours.to,
    KNOWN_FROM: ours.known_from,
  })
}

const agent = new Agent({ keepAlive: true })

interface Answer {
  readonly status: number
  readonly cache: string
  readonly tookMs: number
  readonly json: unknown
}

function read(port: number, { path, token }: Pick<Reader, 'path' | 'token'>): Promise<Answer> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    get({ agent, host: '127.0.0.1', port, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject).on('end', () => {
        const { statusCode: status = 0, headers: answered } = response
        const cache = String(answered['x-cache'])
        resolve({ status, cache, tookMs: performance.now() - startedAt, json: JSON.parse(text) })
      })
    }).on('error', reject)
  })
}

/** The same work has the same result, field for field, made anew and kept. */
async function compareBodies(ours: Target, peer: Target, readers: readonly Reader[]): Promise<void> {
  for (const reader of readers) {
    for (const time of ['made anew', 'kept']) {
      const [one, two] = [(await read(ours.port, reader)).json, (await read(peer.port, reader)).json]
      if (JSON.stringify(one) === JSON.stringify(two)) continue
      throw new Error(`${time}, the peer answers\n${JSON.stringify(two)}\nand ours\n${JSON.stringify(one)}`)
    }
  }
}

async function measureRounds(
  { system, directUrl }: ConsumptionWorld,
  { api, peer }: { api: Target; peer: Target },
  readers: readonly Reader[],
  opened: AsyncDisposableStack,
): Promise<ConsumptionRound[]> {
  const generator = opened.use(
    startChild<ClosedLoop, ClosedLoopResult>(new URL('spawned/closed-loop.ts', import.meta.url)),
  )
  const run = ({ port, pid }: Target, requests: readonly string[], times = TIMES): Promise<ClosedLoopResult> =>
    generator.ask({ port, serverPid: pid, requests, connections: CONNECTIONS, ...times })
  const embedded = opened.use(await startSystem())
  const { customers } = await makeWorld(embedded, 1)
  const inMemory = { path: `/api/consumption/${customers[0]!.id}`, token: customers[0]!.accessToken }
  const first = readers[0]!
  const bare = opened.use(await startBareServer(Object.fromEntries([await recorded(api, first)])))
  const one = [getRequest(first)]
  const all = readers.map(getRequest)
  const scripts = await Promise.all(
    readers.slice(0, SCRIPTS).map(async ({ accountId }) => asScript(await statementsOf(system.database.db, accountId))),
  )
  const bench = (url: string): Promise<number | undefined> =>
    pgbenchScripts(url, { connections: DATABASE_CONNECTIONS, seconds: TIMES.measuredMs / 1_000, scripts })
  const cold = async (target: Target): Promise<ClosedLoopResult> => {
    await system.redis.flush()
    return run(target, all)
  }
  for (const target of [bare, api, peer]) await run(target, one, WARM_UP)
  await run(embedded, [getRequest(inMemory)], WARM_UP)
  const rounds: ConsumptionRound[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({
      bare: await run(bare, one),
      hitRedis: await run(api, one),
      hitMemory: await run(embedded, [getRequest(inMemory)]),
      hitPeer: await run(peer, one),
      pgbench: await bench(system.settings['DATABASE_URL']!),
      miss: await cold(api),
      missPeer: await cold(peer),
      pgbenchDirect: await bench(directUrl),
    })
  }
  return rounds
}

async function recorded({ port }: Target, { path, token }: Reader) {
  const headers = { authorization: `Bearer ${token}` }
  return [`GET ${path}`, await recordAnswer(port, { method: 'GET', path, headers, body: undefined })] as const
}

/** Customers of whom PostgreSQL knows nothing, a few at a time. */
async function readThroughSource(
  world: ConsumptionWorld,
  { port }: Target,
  cold: readonly Reader[],
): Promise<Omit<SourceReads, 'delayMs'>> {
  await moveToSource(world, cold)
  await world.system.redis.flush()
  world.sic.faults.delayMs = SOURCE_DELAY_MS
  const queue = [...cold]
  const answers: Answer[] = []
  const lane = async (): Promise<void> => {
    for (let reader = queue.pop(); reader !== undefined; reader = queue.pop()) answers.push(await read(port, reader))
  }
  await Promise.all(Array.from({ length: COLD_AT_A_TIME }, lane))
  world.sic.faults.delayMs = 0
  const failures = answers.filter(({ status, cache }) => status !== 200 || cache !== 'MISS').length
  return { latenciesMs: answers.map(({ tookMs }) => tookMs), failures, atATime: COLD_AT_A_TIME }
}

/** Everybody asks at once for one customer whom nobody knows yet, at two instances. */
async function stampede(world: ConsumptionWorld, api: Target, reader: Reader) {
  const { url } = await world.system.api(world.sourceSettings)
  const ports = [api.port, Number(new URL(url).port)]
  await forgetReadings(world.system.database.db, [reader])
  await world.system.redis.flush()
  world.sic.statements.clear()
  world.sic.faults.delayMs = SOURCE_DELAY_MS
  const answers = await Promise.all(places(STAMPEDE).map((place) => read(ports[place % ports.length]!, reader)))
  world.sic.faults.delayMs = 0
  return {
    sourceQueries: world.sic.statements.all.filter(({ text }) => /\bFROM\b/i.test(text)).length,
    answered: answers.filter(({ status }) => status === 200).length,
  }
}

await runBenchmark(
  'consumption',
  'How quickly does one API process answer consumption that is kept, made from PostgreSQL, or asked of a slow source?',
  measure,
)
