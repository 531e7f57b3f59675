/**
 * How long from a notification's POST to its push at FCM, at 50 requests per second, through API, outbox, RabbitMQ,
 * workers, PgBouncer, PostgreSQL and Redis as in production?
 */
import { START_LANES, type Priority } from '#src/modules/notifications/priorities.ts'
import { TASKS_AT_A_TIME, WORKERS } from '#src/roles/parts/worker.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import type { OpenLoop, PlannedRequest, Sample } from './spawned/open-loop.ts'
import { startChild } from './support/child.ts'
import { notificationTo } from './support/endpoints.ts'
import { openedResources } from './support/opened.ts'
import { insertPeople, type Person, personAt } from './support/people.ts'
import { productionEngines } from './support/production.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'
import { serviceToken, tokenSigner } from './support/tokens.ts'

const ROUNDS = 3
const PER_SECOND = 50
const ROUND_S = 12
const WARM_UP_S = 3
const PUSH_LIMIT_MS = 60_000
const LOOK_EVERY_MS = 50
const PRIORITIES = Object.keys(START_LANES) as Priority[]

/** One notification for one customer with one phone, so that a push names its request. */
interface Pushed {
  readonly priority: string
  readonly answeredMs: number
  readonly pushedMs: number
}

interface Round {
  readonly pushed: readonly Pushed[]
  readonly failures: number
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const system = await productionEngines(opened)
  const people = Array.from({ length: PER_SECOND * (WARM_UP_S + ROUNDS * ROUND_S) }, (_, place) => personAt(place))
  const { db } = system.database
  await insertPeople(db, people, 'nobody logs in')
  const token = await serviceToken(db, tokenSigner(system.settings['JWT_SECRET']!))
  const [api] = await Promise.all([system.api(), ...WORKERS.map((queues) => system.worker(queues.join(',')))])
  const generator = opened.use(startChild<OpenLoop, Sample[]>(new URL('spawned/open-loop.ts', import.meta.url)))
  const port = Number(new URL(api.url).port)
  const send = (requests: readonly PlannedRequest[]): Promise<Sample[]> =>
    generator.ask({ port, intervalMs: 1_000 / PER_SECOND, requests })
  const run = (seconds: number): Promise<Round> => runRound(system, people.splice(0, PER_SECOND * seconds), token, send)
  await run(WARM_UP_S)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await run(ROUND_S))
  return findings(rounds)
}

async function runRound(
  { fcm }: RealSystem,
  people: readonly Person[],
  token: string,
  send: (requests: readonly PlannedRequest[]) => Promise<Sample[]>,
): Promise<Round> {
  const { received } = fcm.control
  received.clear()
  const requests = people.map(({ id }, place) => {
    const priority = PRIORITIES[place % PRIORITIES.length]!
    return notificationTo(id, { label: priority, priority, serviceToken: token })
  })
  const samples = await send(requests)
  const accepted = samples.filter(({ status }) => status === 202).length
  const endAt = performance.now() + PUSH_LIMIT_MS
  while (received.counts().total < accepted && performance.now() < endAt) {
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS))
  }
  const firstPushes = new Map<string, number>()
  for (const { target, receivedAtMs } of received.list({ sinceSeq: 0, limit: Infinity })) {
    if (!firstPushes.has(target)) firstPushes.set(target, receivedAtMs)
  }
  const pushed = samples.flatMap(({ label, latencyMs, intendedAtMs }, place) => {
    const at = firstPushes.get(people[place]!.device.push_token)
    return at === undefined ? [] : [{ priority: label, answeredMs: latencyMs, pushedMs: at - intendedAtMs }]
  })
  return { pushed, failures: requests.length - pushed.length }
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(rounds: readonly Round[]): Findings {
  const cells = (priority: string | undefined, field: 'answeredMs' | 'pushedMs'): string[] => {
    const sorted = rounds.map(({ pushed }) =>
      ascending(pushed.filter((one) => priority === undefined || one.priority === priority).map((one) => one[field])),
    )
    return [50, 95, 99].map((percent) => shown(spreadOf(sorted.map((latencies) => percentile(latencies, percent)))))
  }
  const failures = rounds.reduce((sum, round) => sum + round.failures, 0)
  return {
    tables: [
      {
        title: 'From POST /notifications, in ms',
        columns: ['to', 'P50', 'P95', 'P99'],
        rows: [
          ['its answer (202)', ...cells(undefined, 'answeredMs')],
          ['the push at FCM', ...cells(undefined, 'pushedMs')],
          ...PRIORITIES.map((priority) => [`… ${priority}`, ...cells(priority, 'pushedMs')]),
        ],
      },
    ],
    limits: [{ what: 'notifications without a push', measured: String(failures), limit: '0', isMet: failures === 0 }],
    notes: [
      `${PER_SECOND} requests/s sent at a constant rate, each counted from the moment at which it was to be sent, one phone each, the four priorities in turn.`,
      `Median of ${ROUNDS} rounds (least–most) of ${ROUND_S} s. One API process and the two workers (${TASKS_AT_A_TIME} tasks at a time each) share the cores with all engines and the FCM simulator, which answers at once and notes whole milliseconds.`,
    ],
    raw: { rounds: rounds.map(({ pushed, ...round }) => ({ ...round, pushed: pushed.length })) },
  }
}

await runBenchmark(
  'push-latency',
  `How long from POST /notifications to its push at FCM, at ${PER_SECOND} requests per second on the real engines?`,
  measure,
)
