/**
 * How many tasks per second does a worker of ours finish that do nothing, with late ack and their result in Redis,
 * beside Celery's prefork worker with two processes on the same RabbitMQ and Redis? And how fast are they sent?
 */
import { TASKS_AT_A_TIME } from '#src/roles/parts/worker.ts'
import type { WorkerOrder } from './spawned/celery-worker.ts'
import { CELERY, celeryPeer, type CeleryPeer } from './support/celery-peer.ts'
import { startChild } from './support/child.ts'
import { openedResources } from './support/opened.ts'
import { cpuOfTreeMs } from './support/process-cpu.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ratios, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'
import { type TaskEngines, taskEngines } from './support/task-engines.ts'

const ROUNDS = 3
const OURS = 12_000
const PEER_CONFIRMED = 1_000
const PEER_UNCONFIRMED = 3_000
/** Tasks at a time: as production has it, and with more, as tasks that wait for others can have. */
const CONCURRENCIES = [TASKS_AT_A_TIME, 16] as const
const PEER_PROCESSES = 2
const LEAST_TIMES_PEER = 5
const LOOK_EVERY_MS = 5
/** Of the tasks at the start are not counted: code is compiled, processes are forked. */
const WARM_UP_SHARE = 0.2

interface Work {
  readonly tasksPerSecond: number
  readonly cpuMicrosPerTask: number
  readonly cores: number
}

interface Round {
  /** In the order of `CONCURRENCIES`. */
  readonly ours: readonly Work[]
  readonly peer: Work
  readonly sent: { readonly ours: number; readonly peerConfirmed: number; readonly peerUnconfirmed: number }
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const engines = await taskEngines(opened)
  const peer = await celeryPeer(engines)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measureRound(engines, peer))
  return findings(rounds)
}

async function measureRound(engines: TaskEngines, peer: CeleryPeer): Promise<Round> {
  const ours: Work[] = []
  let oursSentMs = 0
  for (const concurrency of CONCURRENCIES) {
    oursSentMs += await sendOurs(engines)
    ours.push(await workOfOurs(engines, concurrency))
  }
  const confirmedMs = await peer.send(PEER_CONFIRMED, 'confirm')
  const unconfirmedMs = await peer.send(PEER_UNCONFIRMED, 'no-confirm')
  const work = await workOfPeer(engines, peer)
  return {
    ours,
    peer: work,
    sent: {
      ours: ((OURS * CONCURRENCIES.length) / oursSentMs) * 1_000,
      peerConfirmed: (PEER_CONFIRMED / confirmedMs) * 1_000,
      peerUnconfirmed: (PEER_UNCONFIRMED / unconfirmedMs) * 1_000,
    },
  }
}

/** All at once: the adapter has a thousand unconfirmed at a time. */
async function sendOurs({ client }: TaskEngines): Promise<number> {
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: OURS }, () => client.sendTask({ task: 'bench.noop', queue: 'ours' })))
  return performance.now() - startedAt
}

async function workOfOurs(engines: TaskEngines, concurrency: number): Promise<Work> {
  const { brokerUrl, redisUrl, redis } = engines
  await using worker = startChild<WorkerOrder | 'stop', 'done'>(new URL('spawned/celery-worker.ts', import.meta.url))
  await redis.flushAll()
  await worker.ask({ brokerUrl, redisUrl, queues: ['ours'], concurrency })
  const work = await untilDone(engines, OURS, worker.pid)
  await worker.ask('stop')
  return work
}

async function workOfPeer(engines: TaskEngines, peer: CeleryPeer): Promise<Work> {
  await engines.redis.flushAll()
  await using worker = await peer.startWorker('peer', PEER_PROCESSES)
  // Each time it sends, it opens the connection with a task of its own.
  return await untilDone(engines, PEER_CONFIRMED + PEER_UNCONFIRMED + 2, worker.pid)
}

/** Looks at how many results there are: the same for both, and outside of both. */
async function untilDone({ redis }: TaskEngines, tasks: number, pid: number): Promise<Work> {
  const look = async () => ({ done: await redis.dbSize(), at: performance.now(), cpuMs: cpuOfTreeMs(pid) })
  let first = await look()
  let last = first
  while (last.done < tasks) {
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS))
    const done = await redis.dbSize()
    if (first.done < tasks * WARM_UP_SHARE) first = await look()
    last = done < tasks ? { ...last, done } : await look()
  }
  const count = last.done - first.done
  const elapsedMs = last.at - first.at
  const cpuMs = last.cpuMs - first.cpuMs
  return {
    tasksPerSecond: (count / elapsedMs) * 1_000,
    cpuMicrosPerTask: (cpuMs / count) * 1_000,
    cores: cpuMs / elapsedMs,
  }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

interface Side {
  readonly label: string
  readonly work: readonly Work[]
  readonly times: Spread
}

function sidesOf(rounds: readonly Round[]): Side[] {
  const peer = rounds.map((round) => round.peer)
  const speeds = (work: readonly Work[]): number[] => work.map(({ tasksPerSecond }) => tasksPerSecond)
  const side = (label: string, work: readonly Work[]): Side => ({
    label,
    work,
    times: spreadOf(ratios(speeds(work), speeds(peer))),
  })
  return [
    ...CONCURRENCIES.map((concurrency, place) =>
      side(
        `ours, one process, ${concurrency} at a time`,
        rounds.map((round) => round.ours[place]!),
      ),
    ),
    side(`${CELERY}, prefork, ${PEER_PROCESSES} processes`, peer),
  ]
}

function findings(rounds: readonly Round[]): Findings {
  const sides = sidesOf(rounds)
  const of = ({ work }: Side, field: keyof Work): string => shown(spreadOf(work.map((one) => one[field])))
  const sent = (field: keyof Round['sent']): string => shown(spreadOf(rounds.map((round) => round.sent[field])))
  const best = sides[CONCURRENCIES.length - 1]!
  return {
    tables: [
      {
        title: 'No-op tasks with late ack and result',
        columns: ['worker', 'tasks/s', 'times', 'CPU µs per task', 'cores'],
        rows: sides.map((side) => [
          side.label,
          of(side, 'tasksPerSecond'),
          shown(side.times),
          of(side, 'cpuMicrosPerTask'),
          of(side, 'cores'),
        ]),
      },
      {
        title: 'Tasks sent, by one process',
        columns: ['sender', 'tasks/s'],
        rows: [
          ['ours, each confirmed', sent('ours')],
          [`${CELERY}, each confirmed`, sent('peerConfirmed')],
          [`${CELERY}, without confirms`, sent('peerUnconfirmed')],
        ],
      },
    ],
    limits: [
      {
        what: `no-op tasks/s, ${CONCURRENCIES.at(-1)} at a time, times Celery's`,
        measured: shown(best.times),
        limit: `≥ ${LEAST_TIMES_PEER}`,
        isMet: best.times.median >= LEAST_TIMES_PEER,
      },
    ],
    notes: [
      `Median of ${ROUNDS} rounds (least–most), both sides one after the other in each; "times" is taken within a round.`,
      `Each queue is filled first (ours ${figure(OURS)}, Celery's ${figure(PEER_CONFIRMED + PEER_UNCONFIRMED)} tasks), then its worker starts. Tasks are counted by their results in Redis, without the first ${WARM_UP_SHARE * 100} %.`,
      'Prefetch as each has it by itself: twice (ours) and four times (Celery) what runs at a time. RabbitMQ, Redis and the counting share the cores with the workers.',
      "Celery's sender has no result backend, with which it would be slower, and its confirms are waited for one by one, as it does by itself.",
    ],
    raw: { rounds },
  }
}

await runBenchmark(
  'celery-tasks',
  "How many no-op tasks per second does a worker of ours finish, and how many are sent, beside Python's Celery?",
  measure,
)
