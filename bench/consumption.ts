/**
 * How quickly does one API process answer consumption: kept in Redis or in memory, made from PostgreSQL, or asked of a
 * source that takes 50 ms? Beside a bare `node:http` server, pgbench with the very same statements, and FastAPI with
 * asyncpg and redis in a process of its own, all in the same run.
 */
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
import { type Answer, inLanes, read } from './support/read-answer.ts'
import { recordAnswer } from './support/recorded-answer.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { startSystem } from './support/system.ts'
import { makeWorld } from './support/world.ts'

const ROUNDS = 7
const CONNECTIONS = 64
/** As many as an API process has, and as its peers get. */
const DATABASE_CONNECTIONS = 10
const TIMES = { warmUpMs: 500, measuredMs: 1_000 }
/** Until V8 has compiled what it is going to: these processes run for weeks. */
const WARM_UP = { warmUpMs: 0, measuredMs: 5_000 }
/** More than are asked in a round, so that each answer is made anew; the cache is emptied before each round. */
const CUSTOMERS = 20_000
/** pgbench takes at most 128 scripts. */
const SCRIPTS = 100
/** Answers of so many are more than the copies in a process can hold: each is fetched from Redis. */
const KEPT_IN_REDIS = 12_000
const FILLED_AT_A_TIME = 64
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
  const other = await system.api()
  const keptInRedis = async (): Promise<ClosedLoopResult> => {
    await answerOnce(Number(new URL(other.url).port), readers.slice(0, KEPT_IN_REDIS))
    return run(api, all.slice(0, KEPT_IN_REDIS))
  }
  for (const target of [bare, api, peer]) await run(target, one, WARM_UP)
  await run(embedded, [getRequest(inMemory)], WARM_UP)
  for (const target of [api, peer]) await run(target, all, WARM_UP)
  const rounds: ConsumptionRound[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({
      bare: await run(bare, one),
      hitCopied: await run(api, one),
      hitMemory: await run(embedded, [getRequest(inMemory)]),
      hitRedis: await keptInRedis(),
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

/** By another instance than the one that is measured, so that Redis has the answers and the process has none. */
async function answerOnce(port: number, readers: readonly Reader[]): Promise<void> {
  await inLanes(FILLED_AT_A_TIME, readers, async (reader) => {
    const { status } = await read(port, reader)
    if (status !== 200) throw new Error(`${reader.path} is ${status}`)
  })
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
  const answers: Answer[] = []
  await inLanes(COLD_AT_A_TIME, cold, async (reader) => void answers.push(await read(port, reader)))
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
