import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { guardedPrepaidSource, SourceGuard } from '#src/adapters/meter-source/guarded-source.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { stalestActive } from '#src/modules/consumption/active-meters.ts'
import { BackgroundRefresh, type BackgroundRefreshParts } from '#src/modules/consumption/background-refresh.ts'
import { openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { parseRefreshHours } from '#src/modules/consumption/refresh-hours.ts'
import { type PostpaidSource, type PrepaidSource, SourceUnavailable } from '#src/ports/meter-source.ts'
import { VirtualTime } from '#test/celery/virtual-time.ts'
import { aHousehold } from '#test/support/consumption-api.ts'
import { aSale, AskedPostpaidSource, AskedPrepaidSource } from '#test/support/consumption-sources.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'

const EVENING = Date.parse('2026-03-15T22:57:00Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

let fresh: TestDatabase
let database: Database
/** Stands still while PostgreSQL is asked: what is measured on it is the pauses alone. */
let time: VirtualTime
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('silent') })
})
after(async () => {
  await database.close()
  await fresh.close()
})

const opened: CloseStack[] = []
const pools: Database[] = []
beforeEach(() => {
  pools.splice(0, pools.length, database)
  time = new VirtualTime(EVENING, () => pools.every((pool) => pool.use().busy === 0))
})
afterEach(async () => {
  for (const stack of opened.splice(0)) await stack.close()
  await database.db.deleteFrom('device').execute()
  await database.db.deleteFrom('meter_reading_state').execute()
})

/** When and in what order the prepaid source was asked. */
class ClockedSource extends AskedPrepaidSource {
  readonly questions: { readonly number: string; readonly at: number }[] = []

  override sales(...args: Parameters<AskedPrepaidSource['sales']>): ReturnType<AskedPrepaidSource['sales']> {
    this.questions.push({ number: args[0].number, at: time.now() })
    return super.sales(...args)
  }
}

interface MeterAsked {
  readonly kind: 'prepaid' | 'postpaid'
  readonly seenDaysAgo: number
  readonly readHoursAgo: number
}

/** A meter of somebody whose device was seen so many days ago, read so many hours ago or never. */
async function aMeterOf({ kind = 'prepaid', seenDaysAgo = 1, readHoursAgo }: Partial<MeterAsked> = {}) {
  const { db } = database
  const { id: accountId, meters } = await aHousehold(db, kind)
  const [meter] = meters
  assert.ok(meter)
  const ago = (ms: number): Date => new Date(EVENING - ms)
  await db
    .insertInto('device')
    .values({ account_id: accountId, platform: 'android', last_seen_at: ago(seenDaysAgo * 24 * HOUR) })
    .execute()
  if (readHoursAgo !== undefined) {
    const readAt = ago(readHoursAgo * HOUR)
    await db
      .insertInto('meter_reading_state')
      .values({ meter_id: meter.id, read_at: readAt, whole_history_at: readAt })
      .execute()
  }
  return meter
}

interface Process {
  readonly outcomes: string[]
  close(): Promise<void>
}

/** Bills, and for each question whether anybody had the turn to refresh when it was put. */
class LeasedSource extends AskedPostpaidSource {
  readonly leased: boolean[] = []

  override async bills(...args: Parameters<AskedPostpaidSource['bills']>): ReturnType<AskedPostpaidSource['bills']> {
    const leases = await database.db.selectFrom('lease').select('name').execute()
    this.leased.push(leases.length > 0)
    return super.bills(...args)
  }
}

/** A process's refresh over the one database, with readings of its own. */
function aProcess(
  sic: PrepaidSource,
  {
    timers = time,
    postpaid = new AskedPostpaidSource(),
    ...changed
  }: Partial<BackgroundRefreshParts> & { readonly postpaid?: PostpaidSource } = {},
): Process {
  const stack = new CloseStack(createLogger('fatal'))
  opened.push(stack)
  const log = createLogger('silent')
  const pool = stack.add('pool', openDatabase({ url: fresh.url, log }))
  pools.push(pool)
  const { db } = pool
  const { readings } = openKnowledge({
    db,
    cache: memoryCache({ clock: timers.now }),
    prepaid: sic,
    postpaid,
    clock: timers.now,
    log,
  })
  stack.add('readings', readings)
  const hours = parseRefreshHours('23:00-05:00')
  assert.ok(hours)
  const outcomes: string[] = []
  const refresh = new BackgroundRefresh({
    db,
    readings,
    timers,
    log,
    hours,
    metersPerMinute: 60,
    kinds: ['prepaid', 'postpaid'],
    isAnswering: () => true,
    onOutcome: (_kind, outcome) => outcomes.push(outcome),
    ...changed,
  })
  stack.add('refresh', refresh)
  return { outcomes, close: () => stack.close() }
}

/** Lets time pass until something has happened, a minute at a time; six hours at most. */
async function passUntil(what: string, condition: () => boolean): Promise<void> {
  const end = time.now() + 6 * HOUR
  for (; !condition(); await time.pass(MINUTE)) assert.ok(time.now() < end, `not in six hours: ${what}`)
}

test('at night the meters of customers seen of late are read, the stalest first, none too quickly', async () => {
  const read = [await aMeterOf({ readHoursAgo: 30 }), await aMeterOf({ readHoursAgo: 50 }), await aMeterOf()]
  await aMeterOf({ seenDaysAgo: 31, readHoursAgo: 90 })
  await aMeterOf({ readHoursAgo: 2 })
  const sic = new ClockedSource()
  const { outcomes } = aProcess(sic, { metersPerMinute: 2 })
  await time.pass(HOUR)
  assert.deepEqual(outcomes, ['read', 'read', 'read'])
  assert.deepEqual(
    sic.questions.map(({ number }) => number),
    [read[2]?.number, read[1]?.number, read[0]?.number],
  )
  assert.ok((sic.questions[0]?.at ?? 0) >= Date.parse('2026-03-15T23:00:00Z'))
  const pauses = sic.questions.slice(1).map(({ at }, place) => at - (sic.questions[place]?.at ?? 0))
  assert.deepEqual(pauses, [30 * SECOND, 30 * SECOND])
  const stalest = await stalestActive(database.db, new Date(EVENING - 30 * 24 * HOUR))
  assert.equal(stalest?.toISOString(), '2026-03-15T20:57:00.000Z')
})

test('by day nothing is asked: what the night did not reach waits for the next', async () => {
  for (let meters = 0; meters < 40; meters += 1) await aMeterOf()
  const sic = new ClockedSource()
  const hours = parseRefreshHours('23:00-23:10')
  assert.ok(hours)
  aProcess(sic, { hours, metersPerMinute: 2 })
  await time.pass(HOUR)
  assert.ok(sic.questions.length > 0 && sic.questions.length <= 20)
  assert.ok((sic.questions.at(-1)?.at ?? 0) < Date.parse('2026-03-15T23:10:00Z'))
})

test('a source that is down is asked once a minute, and the night goes on once it is back', async () => {
  const meters = [await aMeterOf(), await aMeterOf(), await aMeterOf()]
  const sic = new ClockedSource()
  sic.failure = new SourceUnavailable('unreachable')
  const guard = new SourceGuard({
    failuresToOpen: 1,
    pauseMs: 3_000,
    concurrent: 8,
    waitTimeoutMs: 2_000,
    clock: time.now,
  })
  const { outcomes } = aProcess(guardedPrepaidSource(sic, guard), { isAnswering: () => guard.state === 'closed' })
  await passUntil('two questions have failed', () => sic.questions.length >= 2)
  sic.failure = undefined
  await passUntil('all are read', () => outcomes.filter((outcome) => outcome === 'read').length === meters.length)
  const [first, second] = sic.questions
  assert.equal((second?.at ?? 0) - (first?.at ?? 0), MINUTE)
  assert.equal(first?.number, second?.number)
})

test('of two processes one refreshes, each meter once; when it is gone the other goes on', async () => {
  for (let meters = 0; meters < 30; meters += 1) await aMeterOf()
  const sic = new ClockedSource()
  const processes = [aProcess(sic, { metersPerMinute: 10 }), aProcess(sic, { metersPerMinute: 10 })]
  await passUntil('some meters are read', () => sic.questions.length >= 10)
  const [working, ...others] = processes.toSorted((a, b) => b.outcomes.length - a.outcomes.length)
  const [waiting] = others
  assert.ok(working && waiting)
  assert.equal(waiting.outcomes.length, 0)
  await working.close()
  const byTheFirst = sic.questions.length
  assert.ok(byTheFirst < 30)
  await passUntil('the other has read the rest', () => working.outcomes.length + waiting.outcomes.length === 30)
  assert.equal(waiting.outcomes.length, 30 - byTheFirst)
  assert.equal(new Set(sic.questions.map(({ number }) => number)).size, 30)
  assert.equal(sic.questions.length, 30)
})

test('a round that breaks for one kind ends for the other before its turn is given back', async () => {
  for (let meters = 0; meters < 20; meters += 1) await aMeterOf({ kind: 'postpaid' })
  await aMeterOf()
  const postpaid = new LeasedSource()
  let breaks = 0
  aProcess(new AskedPrepaidSource(), {
    postpaid,
    metersPerMinute: 10,
    onOutcome(kind) {
      if (kind === 'postpaid') return
      breaks += 1
      throw new Error('as a page of meters that PostgreSQL did not answer')
    },
  })
  await passUntil('the round has broken', () => breaks > 0)
  assert.ok(postpaid.leased.length < 20)
  await passUntil('all bills were asked for, in later rounds', () => postpaid.leased.length >= 20)
  assert.ok(postpaid.leased.every(Boolean), String(postpaid.leased))
})

test('a meter of which every answer is nonsense is asked once an hour, and holds up no other', async () => {
  const broken = await aMeterOf()
  const others = [await aMeterOf({ readHoursAgo: 50 }), await aMeterOf({ readHoursAgo: 30 })]
  const sic = new ClockedSource()
  sic.add(broken.key, aSale('2026-03-01T08:00:00Z', 'beaucoup', '5000'))
  aProcess(sic)
  const questions = () => sic.questions.filter(({ number }) => number === broken.number)
  await passUntil('it is asked again', () => questions().length >= 2)
  assert.deepEqual(
    sic.questions.slice(0, 3).map(({ number }) => number),
    [broken, ...others].map(({ number }) => number),
  )
  const [first, second] = questions()
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= HOUR)
})

test('a clock that goes back between two meters makes the pause no longer', async () => {
  const meters = [await aMeterOf(), await aMeterOf()]
  let backMs = 0
  const timers: Timers = { now: () => time.now() - backMs, after: (delayMs, wake) => time.after(delayMs, wake) }
  const sic = new ClockedSource()
  const hours = parseRefreshHours('05:00-04:00')
  assert.ok(hours)
  const gate = Promise.withResolvers<void>()
  sic.gate = gate.promise
  const { outcomes } = aProcess(sic, { timers, hours })
  await passUntil('the first is asked', () => sic.questions.length > 0)
  backMs = 10 * HOUR
  gate.resolve()
  await time.pass(MINUTE)
  assert.equal(outcomes.length, meters.length)
})
