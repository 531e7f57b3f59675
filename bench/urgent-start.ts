/**
 * How long does an urgent task wait for its start while 50,000 tasks wait in `high_priority`? On worker 1 as it is in
 * production, with one of its four slots kept for `urgent`; on the same without that slot; and on Celery's.
 */
import { TASKS_AT_A_TIME, WORKERS } from '#src/roles/parts/worker.ts'
import type { WorkerOrder } from './spawned/celery-worker.ts'
import { CELERY, type CeleryPeer, celeryPeer } from './support/celery-peer.ts'
import { startChild } from './support/child.ts'
import { openedResources } from './support/opened.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'
import { type TaskEngines, taskEngines } from './support/task-engines.ts'
import { sendUrgent, startLatencies } from './support/urgent-load.ts'

const ROUNDS = 3
const FLOOD = 50_000
/** What the workers finish meanwhile is sent beyond that, so that the queue never holds fewer. */
const FLOOD_REFILL = 20_000
const URGENT_PER_SECOND = 50
const ROUND_S = 6
const LIMIT_MS = 100
const QUEUES = WORKERS[0]!
const RESERVE = { queue: 'urgent', slots: 1 }

interface Measured {
  readonly latenciesMs: readonly number[]
  readonly floodLeft: number
}

type Run = (engines: TaskEngines, peer: CeleryPeer) => Promise<Measured>

const SIDES = [
  { label: 'ours, a slot kept for urgent', run: ours({ reserve: RESERVE }) },
  { label: 'ours, no slot kept', run: ours({}) },
  { label: `${CELERY}, prefork, ${TASKS_AT_A_TIME} processes`, run: peers },
]

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const engines = await taskEngines(opened)
  const peer = await celeryPeer(engines)
  const rounds: Measured[][] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await flood(engines)
    const measured: Measured[] = []
    for (const { run } of SIDES) measured.push(await run(engines, peer))
    rounds.push(measured)
  }
  return findings(rounds)
}

/** Both workers take them: a task's name and message are the same to both. */
async function flood({ broker, client }: TaskEngines): Promise<void> {
  await broker.declareQueue({ name: 'high_priority' })
  const { messages } = await broker.countQueue('high_priority')
  const missing = FLOOD + FLOOD_REFILL - messages
  const send = () => client.sendTask({ task: 'bench.pause', queue: 'high_priority', ignoreResult: true })
  await Promise.all(Array.from({ length: Math.max(0, missing) }, send))
}

function ours(order: Pick<WorkerOrder, 'reserve'>): Run {
  return async (engines) => {
    const { brokerUrl, redisUrl } = engines
    await using worker = startChild<WorkerOrder | 'stop', 'done'>(new URL('spawned/celery-worker.ts', import.meta.url))
    await worker.ask({ brokerUrl, redisUrl, queues: QUEUES, concurrency: TASKS_AT_A_TIME, ...order })
    const measured = await measureUrgent(engines)
    await worker.ask('stop')
    return measured
  }
}

async function peers(engines: TaskEngines, peer: CeleryPeer): Promise<Measured> {
  await using _worker = await peer.startWorker(QUEUES.join(','), TASKS_AT_A_TIME)
  return await measureUrgent(engines)
}

async function measureUrgent(engines: TaskEngines): Promise<Measured> {
  const warmUp = await sendUrgent(engines, URGENT_PER_SECOND, 1)
  await startLatencies(engines, warmUp)
  const sent = await sendUrgent(engines, URGENT_PER_SECOND, ROUND_S)
  const latenciesMs = ascending(await startLatencies(engines, sent))
  return { latenciesMs, floodLeft: (await engines.broker.countQueue('high_priority')).messages }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(rounds: readonly (readonly Measured[])[]): Findings {
  const of = (side: number, percent: number): Spread =>
    spreadOf(rounds.map((round) => percentile(round[side]!.latenciesMs, percent)))
  const left = Math.min(...rounds.flat().map(({ floodLeft }) => floodLeft))
  const p99 = of(0, 99)
  return {
    tables: [
      {
        title: 'From sending an urgent task to its start, in ms',
        columns: ['worker', 'P50', 'P99', 'worst'],
        rows: SIDES.map(({ label }, side) => [label, ...[50, 99, 100].map((percent) => shown(of(side, percent)))]),
      },
    ],
    limits: [
      {
        what: 'P99 with a slot kept, ms',
        measured: shown(p99),
        limit: `≤ ${LIMIT_MS}`,
        isMet: p99.median <= LIMIT_MS,
      },
      {
        what: 'tasks in high_priority at the least',
        measured: figure(left),
        limit: `≥ ${figure(FLOOD)}`,
        isMet: left >= FLOOD,
      },
    ],
    notes: [
      `Median of ${ROUNDS} rounds (least–most) of ${ROUND_S} s with ${URGENT_PER_SECOND} urgent tasks/s each, sent at a constant rate and counted from the moment at which each was to be sent; after one second that is not counted.`,
      `Tasks of high_priority take 5 ms. All workers run ${TASKS_AT_A_TIME} at a time and read the same queues.`,
    ],
    raw: {
      rounds: rounds.map((round) =>
        round.map(({ latenciesMs, floodLeft }, side) => ({
          label: SIDES[side]!.label,
          p50Ms: percentile(latenciesMs, 50),
          p99Ms: percentile(latenciesMs, 99),
          worstMs: percentile(latenciesMs, 100),
          floodLeft,
        })),
      ),
    },
  }
}

await runBenchmark(
  'urgent-start',
  `How long does an urgent task wait for its start while ${figure(FLOOD)} tasks wait in high_priority?`,
  measure,
)
