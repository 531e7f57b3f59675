/**
 * How many notifications per minute go from POST /notifications through outbox, RabbitMQ, two workers and a CONNECT proxy
 * to FCM, with their outcomes in PostgreSQL, minute after minute? And how many by a Celery worker that sends with httpx?
 *
 * `node bench/push-rate.ts [--minutes N]`
 */
import { parseArgs } from 'node:util'
import { CELERY_NOTE, type CeleryRate, measureCelery } from './support/celery-push-peer.ts'
import { openedResources } from './support/opened.ts'
import { inhabitantAt, insertPopulation } from './support/population.ts'
import { PushLedger, type Reckoning } from './support/push-ledger.ts'
import { type PushSystem, pushSystem } from './support/push-system.ts'
import { type Findings, type Limit, runBenchmark } from './support/report.ts'
import { counted, figure } from './support/table.ts'
import { memoryLimit, partTable, type PartUse, watchParts } from './support/watched-processes.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } })
const MINUTES = Number(values.minutes)
const POPULATION = 100_000
const AUDIENCES = [500, 750, 1_000]
const PRIORITIES = ['high', 'normal', 'high', 'low'] as const
/** Accepted and not yet at FCM: some seconds of work for both workers, and no flood. */
const BACKLOG = 40_000
const POSTS_AT_A_TIME = 4
/** Code is compiled, and the pace of a sender that was silent grows over its first minute. */
const WARM_UP_MS = 30_000
const LOOK_EVERY_MS = 100
const DONE_WITHIN_MS = 120_000
const LIMIT_PER_MINUTE = 150_000
const AIM_PER_MINUTE = 300_000
const LEAST_TIMES_PEER = 10

interface Measured {
  /** Pushes that FCM accepted in each minute. */
  readonly minutes: readonly number[]
  readonly parts: readonly PartUse[]
  readonly reckoning: Reckoning
  readonly notifications: number
  readonly counts: { readonly done: number; readonly sent: number; readonly maybeDuplicate: number }
  /** Through the proxy, and without. */
  readonly peers: readonly [CeleryRate, CeleryRate]
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const pushes = await pushSystem(opened)
  await insertPopulation(pushes.databaseUrl, 0, POPULATION - 1)
  const load = new Load(pushes)
  const sending = load.keepUp()
  await pause(WARM_UP_MS)
  const endWatch = watchParts(pushes.parts)
  const minutes = await countMinutes(pushes)
  const parts = endWatch()
  load.stop()
  await sending
  const counts = await untilDone(pushes, load.posts)
  const reckoning = load.ledger().reckon(await pushes.fcm.pushes())
  await pushes.stopOurs()
  const peers = [await measureCelery(pushes, 'proxy'), await measureCelery(pushes, 'direct')] as const
  return findings({ minutes, parts, reckoning, counts, notifications: load.posts.length, peers })
}

/** A notification that was accepted, for `size` inhabitants from `first` on, round to the beginning. */
interface Post {
  readonly id: string
  readonly first: number
  readonly size: number
}

const userAt = (place: number): number => place % POPULATION

/** Keeps `BACKLOG` pushes accepted and unsent, in notifications of several hundred users each. */
class Load {
  readonly posts: Post[] = []
  readonly #pushes: PushSystem
  /** Made before: the load takes as little as it can from what is measured. */
  readonly #accountIds = Array.from({ length: POPULATION }, (_, place) => inhabitantAt(place).accountId)
  /** Pushes that were asked for, accepted or about to be. */
  #asked = 0
  #turns = 0
  #isStopped = false

  constructor(pushes: PushSystem) {
    this.#pushes = pushes
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when it was stopped and its last request is answered. */
  async keepUp(): Promise<void> {
    const requests = new Set<Promise<void>>()
    while (!this.#isStopped) {
      const { total } = await this.#pushes.fcm.counts()
      while (requests.size < POSTS_AT_A_TIME && this.#asked - total < BACKLOG) {
        const request = this.#post().finally(() => requests.delete(request))
        requests.add(request)
      }
      await Promise.race([pause(LOOK_EVERY_MS), ...requests])
    }
    await Promise.all(requests)
  }

  /** To be compared with what FCM has got. */
  ledger(): PushLedger {
    const ledger = new PushLedger()
    for (const { id, first, size } of this.posts) {
      for (let place = first; place < first + size; place += 1) ledger.add(id, inhabitantAt(userAt(place)))
    }
    return ledger
  }

  async #post(): Promise<void> {
    const turn = this.#turns++
    const size = AUDIENCES[turn % AUDIENCES.length]!
    this.#asked += size
    const first = Math.floor(Math.random() * POPULATION)
    const userIds = Array.from({ length: size }, (_, place) => this.#accountIds[userAt(first + place)]!)
    const id = await this.#pushes.send({
      title: 'Coupure programmée',
      body: 'Travaux demain de 8 h à 14 h dans votre quartier.',
      type: 'outage',
      audience: { kind: 'users', user_ids: userIds },
      priority: PRIORITIES[turn % PRIORITIES.length],
    })
    this.posts.push({ id, first, size })
  }
}

async function countMinutes({ fcm }: PushSystem): Promise<number[]> {
  const startedAt = performance.now()
  const sent = async (): Promise<number> => (await fcm.counts()).by_outcome['sent'] ?? 0
  let last = await sent()
  const minutes: number[] = []
  while (minutes.length < MINUTES) {
    await pause(startedAt + (minutes.length + 1) * 60_000 - performance.now())
    const now = await sent()
    minutes.push(now - last)
    last = now
    process.stdout.write(`minute ${minutes.length}: ${counted(minutes.at(-1)!)} pushes\n`)
  }
  return minutes
}

/** What the database says of each notification, as their sender reads it. */
async function untilDone({ status, system }: PushSystem, posts: readonly Post[]): Promise<Measured['counts']> {
  const endAt = performance.now() + DONE_WITHIN_MS
  let [done, sent] = [0, 0]
  for (const { id } of posts) {
    let now = await status(id)
    while (now.state !== 'done' && performance.now() < endAt) {
      await pause(LOOK_EVERY_MS)
      now = await status(id)
    }
    if (now.state === 'done') done += 1
    sent += now.counts.sent
  }
  const { count } = await system.database.db
    .selectFrom('delivery')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('maybe_duplicate', '=', true)
    .executeTakeFirstOrThrow()
  return { done, sent, maybeDuplicate: count }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

function findings({ minutes, parts, reckoning, counts, notifications, peers }: Measured): Findings {
  const least = Math.min(...minutes)
  const mean = minutes.reduce((sum, one) => sum + one, 0) / minutes.length
  const times = mean / peers[0].perMinute
  const minuteRows = minutes.map((count, place) => [`ours, minute ${place + 1}`, counted(count)])
  return {
    tables: [
      {
        title: 'Pushes that FCM accepted',
        columns: ['who, when', 'pushes/min'],
        rows: [...minuteRows, ...peers.map(({ label, perMinute }) => [label, counted(perMinute)])],
      },
      partTable('Processes, over all minutes', parts, mean * minutes.length),
      accountTable(reckoning, counts, notifications),
    ],
    limits: [
      {
        what: `pushes in the slowest minute of ${minutes.length} (aim ${counted(AIM_PER_MINUTE)})`,
        measured: counted(least),
        limit: `≥ ${counted(LIMIT_PER_MINUTE)}`,
        isMet: least >= LIMIT_PER_MINUTE,
      },
      {
        what: "pushes/min, times the Celery worker's through the same proxy",
        measured: figure(times),
        limit: `≥ ${LEAST_TIMES_PEER}`,
        isMet: times >= LEAST_TIMES_PEER,
      },
      ...accountLimits(reckoning, counts, notifications),
      memoryLimit(parts),
    ],
    notes: [
      `Notifications for ${AUDIENCES.map(counted).join(', ')} users each, of ${counted(POPULATION)} with one phone, priorities ${PRIORITIES.join(', ')} in turn, ${counted(BACKLOG)} pushes accepted and unsent at any time; after ${WARM_UP_MS / 1_000} s that are not counted.`,
      'One API, two workers, PostgreSQL (a commit waits for the disk) behind PgBouncer, RabbitMQ, Redis, squid, the FCM simulator over TLS and the load share the cores. The limit on memory is for our processes.',
      'A push is told apart by its device and its message id. FCM has the same set as was accepted when both have the same digest.',
      CELERY_NOTE,
    ],
    raw: { minutes, parts, reckoning, counts, notifications, peers },
  }
}

function accountTable(reckoning: Reckoning, counts: Measured['counts'], notifications: number) {
  return {
    title: 'Every push accounted for',
    columns: ['what', 'count'],
    rows: [
      ['notifications accepted', counted(notifications)],
      ['… done, says the API', counted(counts.done)],
      ['pushes accepted', counted(reckoning.accepted)],
      ['… that FCM accepted', counted(reckoning.arrived)],
      ['… sent, says the API', counted(counts.sent)],
      ['… that FCM accepted once more', counted(reckoning.repeated)],
      ['… that may have been repeated, says the database', counted(counts.maybeDuplicate)],
    ],
  }
}

function accountLimits(reckoning: Reckoning, counts: Measured['counts'], notifications: number): Limit[] {
  const unaccounted = Math.abs(reckoning.accepted - reckoning.arrived) + Math.abs(reckoning.accepted - counts.sent)
  const unexplained = Math.max(0, reckoning.repeated - counts.maybeDuplicate)
  return [
    {
      what: 'pushes that are not sent, at FCM and in the database',
      measured: reckoning.isSameSet ? counted(unaccounted) : `${counted(unaccounted)}, not the same set`,
      limit: '0, the same set',
      isMet: reckoning.isSameSet && unaccounted === 0 && counts.done === notifications,
    },
    {
      what: 'pushes repeated that the database does not know of',
      measured: counted(unexplained),
      limit: '0',
      isMet: unexplained === 0,
    },
  ]
}

if (!(MINUTES >= 1)) throw new Error('--minutes takes a whole number, at least 1')
await runBenchmark(
  'push-rate',
  `How many notifications per minute go from POST to FCM, for ${MINUTES} min on the real engines?`,
  measure,
)
