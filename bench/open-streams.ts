/** What do 10,000 open event streams cost one instance, and how long is a broadcast on its way to all of them? */
import { openDatabase } from '#src/database/database.ts'
import { createLogger } from '#src/core/logger.ts'
import type { StreamsAnswer, StreamsOrder } from './spawned/event-streams.ts'
import { startChild } from './support/child.ts'
import { openedResources } from './support/opened.ts'
import { memoryOfMib } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile } from './support/spread.ts'
import { startSystem } from './support/system.ts'
import { figure } from './support/table.ts'
import { adminTokens, tokenSigner } from './support/tokens.ts'

const STREAMS = 10_000
const BROADCASTS = 3
const STREAM_LIMIT_KIB = 50
const DELIVERY_LIMIT_MS = 5_000

interface Measured {
  readonly streams: number
  readonly openMs: number
  readonly memoryMib: { readonly before: number; readonly after: number; readonly afterBroadcasts: number }
  /** From the POST to the arrival at each stream, by broadcast. */
  readonly deliveriesMs: readonly (readonly number[])[]
  readonly notifications: number
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const system = opened.use(await startSystem())
  const database = openDatabase({ url: system.databaseUrl, log: createLogger('silent') })
  opened.defer(() => database.close())
  const { db } = database
  const tokenOf = tokenSigner(system.jwtSecret)
  const adminToken = await adminTokens(db, tokenOf)
  const people = Array.from({ length: STREAMS }, (_, place) => ({
    role: 'customer' as const,
    phone: `+22176${String(place).padStart(7, '0')}`,
    secret_hash: 'none',
  }))
  const accounts = await db.insertInto('account').values(people).returning('id').execute()
  const holder = opened.use(
    startChild<StreamsOrder, StreamsAnswer>(new URL('spawned/event-streams.ts', import.meta.url)),
  )
  const before = memoryOfMib(system.pid)
  const startedAt = performance.now()
  const tokens = accounts.map(({ id }) => tokenOf(id, 'customer'))
  const { arrivedAt } = await holder.ask({ step: 'open', port: system.port, tokens })
  const openMs = performance.now() - startedAt
  const after = memoryOfMib(system.pid)
  const deliveriesMs: number[][] = []
  let notifications = 0
  for (let each = 1; each <= BROADCASTS; each += 1) {
    const sentAt = Date.now()
    const arrived = holder.ask({ step: 'arrivals', each })
    await broadcast(system.port, adminToken())
    const answer = await arrived
    deliveriesMs.push(ascending(answer.arrivedAt.map((at) => at - sentAt)))
    notifications = answer.notifications
  }
  const memoryMib = { before, after, afterBroadcasts: memoryOfMib(system.pid) }
  await holder.ask({ step: 'close' })
  return findings({ streams: arrivedAt.length, openMs, memoryMib, deliveriesMs, notifications })
}

async function broadcast(port: number, token: string): Promise<void> {
  const body = { title: 'Coupure', body: 'Demain de 8 h à 14 h.', audience: { kind: 'all' }, priority: 'urgent' }
  const response = await fetch(`http://127.0.0.1:${port}/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.status !== 202) throw new Error(`not accepted: ${response.status} ${await response.text()}`)
}

function findings(measured: Measured): Findings {
  const { streams, openMs, memoryMib, deliveriesMs, notifications } = measured
  const perStreamKib = ((memoryMib.after - memoryMib.before) / streams) * 1_024
  const slowestMs = Math.max(...deliveriesMs.map((all) => all.at(-1) ?? Number.POSITIVE_INFINITY))
  return {
    tables: [
      {
        title: `${figure(streams)} open streams on one instance`,
        columns: ['', 'memory, MiB'],
        rows: [
          ['before', figure(memoryMib.before)],
          ['open', figure(memoryMib.after)],
          [`after ${BROADCASTS} broadcasts`, figure(memoryMib.afterBroadcasts)],
        ],
      },
      {
        title: 'From the POST of a broadcast to its arrival, ms',
        columns: ['broadcast', 'first', 'P50', 'P99', 'last'],
        rows: deliveriesMs.map((all, place) => [
          String(place + 1),
          ...[all[0] ?? 0, percentile(all, 50), percentile(all, 99), all.at(-1) ?? 0].map(figure),
        ]),
      },
    ],
    limits: [
      {
        what: 'streams open',
        measured: figure(streams),
        limit: figure(STREAMS),
        isMet: streams === STREAMS,
      },
      {
        what: 'notifications that arrived, each once',
        measured: figure(notifications),
        limit: figure(STREAMS * BROADCASTS),
        isMet: notifications === STREAMS * BROADCASTS,
      },
      {
        what: 'memory of one stream, KiB',
        measured: figure(perStreamKib),
        limit: `< ${STREAM_LIMIT_KIB}`,
        isMet: perStreamKib < STREAM_LIMIT_KIB,
      },
      {
        what: 'a broadcast has reached every stream, ms',
        measured: figure(slowestMs),
        limit: `< ${figure(DELIVERY_LIMIT_MS)}`,
        isMet: slowestMs < DELIVERY_LIMIT_MS,
      },
    ],
    notes: [
      `API, workers, PostgreSQL and the clients share the machine. The streams took ${figure(openMs / 1_000)} s to open, each with a look at its inbox.`,
      'The memory is that of the process, sockets in the kernel not counted.',
    ],
    raw: { ...measured, deliveriesMs: undefined },
  }
}

await runBenchmark(
  'open-streams',
  'What do 10,000 open event streams cost one instance, and how long is a broadcast on its way to all of them?',
  measure,
)
