import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KyselyPlugin, QueryId } from 'kysely'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import type { PublishedTask } from '#src/modules/outbox/publisher.ts'
import type { Push, PushOutcome } from '#src/ports/push-gateway.ts'
import { deliveriesOf } from '#test/support/notification-outcomes.ts'
import { gatewayOf, notificationsWorld, toAll } from '#test/support/notifications-api.ts'

/** Workers that die, stall, or lose their database in the middle of a chunk. */

const PAGE = 32
const { api, admin, people, ways } = await notificationsWorld({ customers: 3 * PAGE + 4 })

const LEASE_MS = 30_000
const SENT: PushOutcome = { state: 'sent', providerId: 'p' }

/** An accepted notification and the task of its first chunk: its own start, or what a broadcast's start has queued. */
async function aStart(body: object): Promise<{ id: string; start: PublishedTask }> {
  const { id } = await api.accepted(admin, body)
  const start = await api.nextTask()
  if (!('audience' in body) || (body.audience as { kind: string }).kind !== 'all') return { id, start }
  await api.run(start)
  return { id, start: await api.nextTask() }
}

const placeOf = ({ target }: Push): number => people.indexOf(target.value)

/** A worker whose pushes are answered until `isLast` is asked, and of which nothing is heard of after it. */
async function dieAt(start: PublishedTask, isLast: (left: number) => boolean): Promise<Push[]> {
  const left: Push[] = []
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  const push = gatewayOf(async (one) => {
    left.push(one)
    if (!isLast(left.length)) return SENT
    die()
    return new Promise<never>(() => {})
  })
  void api.run(start, { push })
  await died
  return left
}

async function doubtful(id: string): Promise<string[]> {
  const rows = await api.database.db
    .selectFrom('delivery')
    .innerJoin('device', 'device.id', 'delivery.device_id')
    .select('device.account_id')
    .where('notification_id', '=', id)
    .where('maybe_duplicate', '=', true)
    .orderBy('device.account_id')
    .execute()
  return rows.map((row) => row.account_id)
}

async function assertDone(id: string): Promise<void> {
  const { state, counts } = await api.status(id)
  assert.equal(state, 'done')
  assert.deepEqual([counts.devices, counts.sent], [people.length, people.length])
  assert.equal(counts.failed + counts.dead_tokens + counts.retrying + counts.held + counts.muted + counts.expired, 0)
}

for (const [way, body] of ways) {
  test(`${way}: a worker dies within a page; only that page is sent again, after the lease, and only it is doubtful`, async () => {
    const { id, start } = await aStart(body())
    const left = await dieAt(start, (count) => count > PAGE + 10)
    assert.ok(left.length > PAGE + 10)
    await api.run(start)
    await api.time.pass(LEASE_MS - 1)
    await api.run(start)
    assert.deepEqual(api.pushesOf(id), [], 'whoever holds the chunk is not known to be dead yet')
    await api.time.pass(1)
    await api.runDue()
    const again = api
      .pushesOf(id)
      .map(placeOf)
      .toSorted((a, b) => a - b)
    assert.deepEqual(again, people.map((_, place) => place).slice(PAGE))
    assert.deepEqual(await doubtful(id), people.slice(PAGE, 2 * PAGE))
    const twice = new Map(left.map((push) => [push.target.value, push.messageId]))
    for (const push of api.pushesOf(id).slice(0, 10)) assert.equal(push.messageId, twice.get(push.target.value))
    await assertDone(id)
  })

  test(`${way}: a worker dies between the last page's record and the next push; nobody gets it twice`, async () => {
    const { id, start } = await aStart(body())
    const left = await dieAt(start, (count) => count > PAGE)
    await api.time.pass(LEASE_MS)
    await api.run(start)
    assert.deepEqual(
      left
        .slice(0, PAGE)
        .map(placeOf)
        .toSorted((a, b) => a - b),
      people.map((_, place) => place).slice(0, PAGE),
    )
    assert.equal(api.pushesOf(id).length, people.length - PAGE)
    assert.deepEqual(await doubtful(id), people.slice(PAGE, 2 * PAGE))
    await assertDone(id)
  })

  test(`${way}: whoever takes over and dies as well leaves both pages doubtful`, async () => {
    const { id, start } = await aStart(body())
    await dieAt(start, (count) => count > PAGE)
    await api.time.pass(LEASE_MS)
    await dieAt(start, (count) => count > PAGE)
    await api.time.pass(LEASE_MS)
    await api.run(start)
    assert.deepEqual(await doubtful(id), people.slice(PAGE, 3 * PAGE))
    await assertDone(id)
  })

  test(`${way}: a worker dies after pushing a page and before recording it`, async () => {
    const { id, start } = await aStart(body())
    const stop = new AbortController()
    const db = faulty(api.database.db, { isAway: () => (stop.abort(new Error('killed')), true) })
    await assert.rejects(api.run(start, { db }, stop.signal))
    assert.equal(api.pushesOf(id).length, PAGE)
    await api.time.pass(LEASE_MS)
    await api.run(start)
    await api.run(start)
    assert.equal(api.pushesOf(id).length, people.length + PAGE)
    assert.equal(new Set(api.pushesOf(id).map(({ messageId }) => messageId)).size, people.length)
    assert.deepEqual(await doubtful(id), people.slice(0, PAGE))
    await assertDone(id)
  })

  test(`${way}: a worker that is asked to stop gives the chunk back at once, and leaves no doubt`, async () => {
    const { id, start } = await aStart(body())
    const stop = new AbortController()
    let left = 0
    const push = gatewayOf(async () => {
      left += 1
      if (left === PAGE) stop.abort(new Error('the worker stops'))
      return SENT
    })
    await assert.rejects(api.run(start, { push }, stop.signal), /the worker stops/)
    await api.run(start)
    assert.equal(left + api.pushesOf(id).length, people.length)
    assert.deepEqual(await doubtful(id), [])
    await assertDone(id)
  })

  test(`${way}: one chunk in several hands at once is sent once`, async () => {
    const { id, start } = await aStart(body())
    await Promise.all([api.run(start), api.run(start), api.run(start), api.run(start)])
    await api.time.pass(LEASE_MS)
    await api.runDue()
    assert.equal(api.pushesOf(id).length, people.length)
    assert.deepEqual(await doubtful(id), [])
    await assertDone(id)
  })

  test(`${way}: a worker that stalls until its lease is another's records nothing, and stops`, async () => {
    const { id, start } = await aStart(body())
    const answers: PromiseWithResolvers<PushOutcome>[] = []
    const { promise: allLeft, resolve } = Promise.withResolvers<void>()
    const push = gatewayOf(() => {
      const answer = Promise.withResolvers<PushOutcome>()
      if (answers.push(answer) === PAGE) resolve()
      return answer.promise
    })
    const stalled = api.run(start, { push })
    await allLeft
    await api.time.pass(LEASE_MS)
    await api.run(start)
    const recorded = await recordedOf(id)
    for (const { resolve: answered } of answers) answered({ state: 'refused', reason: 'INVALID_ARGUMENT' })
    await stalled
    assert.equal(answers.length, PAGE, 'it went on with the next page')
    assert.deepEqual(await recordedOf(id), recorded)
    await api.time.pass(2 * LEASE_MS)
    await api.runDue()
    assert.equal(api.pushesOf(id).length, people.length)
    assert.deepEqual(await doubtful(id), people.slice(0, PAGE))
    await assertDone(id)
  })

  test(`${way}: a record whose answer is lost is there, and nothing is sent again`, async () => {
    const { id, start } = await aStart(body())
    let lost = 0
    const db = faulty(api.database.db, { isLost: () => (lost += 1) % 2 === 1 })
    await api.run(start, { db, timers: selfPassing() })
    assert.ok(lost > 2)
    assert.equal(api.pushesOf(id).length, people.length)
    assert.deepEqual(await doubtful(id), [])
    await assertDone(id)
  })

  test(`${way}: a database that is away for some seconds when a page is to be recorded costs no duplicate`, async () => {
    const { id, start } = await aStart(body())
    let until: number | undefined
    const db = faulty(api.database.db, { isAway: () => api.time.now() < (until ??= api.time.now() + 7_000) })
    await api.run(start, { db, timers: selfPassing() })
    assert.equal(api.pushesOf(id).length, people.length)
    assert.deepEqual(await doubtful(id), [])
    await assertDone(id)
  })
}

test('a commit whose answer is lost, with devices to be tried again: each is, once', async () => {
  const { id, start } = await aStart(toAll())
  api.script = (push) =>
    placeOf(push) % 2 === 0 ? undefined : { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
  await api.run(start, { db: forgetful(api.database.db), timers: selfPassing() })
  assert.equal(api.pushesOf(id).length, people.length)
  api.script = undefined
  await api.time.pass(60_000)
  await api.runDue()
  assert.equal(api.pushesOf(id).length, people.length * 1.5)
  assert.deepEqual(await doubtful(id), [])
  await assertDone(id)
})

test('a database that is away when later attempts are to be recorded costs no duplicate', async () => {
  const { id, start } = await aStart(toAll())
  api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false })
  await api.run(start)
  api.script = undefined
  await api.time.pass(10_000)
  await api.publisher().drain()
  const followUp = api.published.at(-1)
  assert.ok(followUp?.kwargs['follow_up'])
  let until: number | undefined
  const db = faulty(api.database.db, {
    statement: /update delivery set\s+state = v.state/,
    isAway: () => api.time.now() < (until ??= api.time.now() + 7_000),
  })
  await api.run(followUp, { db, timers: selfPassing() })
  assert.notEqual(until, undefined)
  await api.time.pass(60_000)
  await api.runDue()
  assert.equal(api.pushesOf(id).length, 2 * people.length)
  assert.deepEqual(await doubtful(id), [])
  await assertDone(id)
})

async function recordedOf(id: string) {
  const { db } = api.database
  const chunks = await db.selectFrom('notification_chunk').selectAll().where('notification_id', '=', id).execute()
  return { chunks, rows: await deliveriesOf(api.database, id) }
}

const RECORD_AGAIN_AFTER_MS = 500

/** The clock of a worker that waits for its database: the pauses between its tries pass by themselves. */
function selfPassing(): Timers {
  return {
    now: api.time.now,
    after(delayMs, wake) {
      const cancel = api.time.after(delayMs, wake)
      if (delayMs === RECORD_AGAIN_AFTER_MS) setImmediate(() => void api.time.pass(delayMs))
      return cancel
    },
  }
}

interface Faults {
  /** @default the statement that records a page */
  readonly statement?: RegExp
  /** True: it does not reach the database. */
  readonly isAway?: () => boolean
  /** True: it is done, and its answer is lost. */
  readonly isLost?: () => boolean
}

/** A way to the database on which some statements fail. */
function faulty(db: Db, { statement = /update notification_chunk c set/, isAway, isLost }: Faults): Db {
  const watched = new WeakSet<QueryId>()
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      if (!statement.test(db.getExecutor().compileQuery(node, queryId).sql)) return node
      if (isAway?.() === true) throw new Error('the database is away')
      watched.add(queryId)
      return node
    },
    transformResult: async ({ result, queryId }) => {
      if (watched.has(queryId) && isLost?.() === true) throw new Error('the connection is lost')
      return result
    },
  }
  return db.withPlugin(plugin)
}

/** A way to the database on which every second commit, from the second on, is not confirmed. */
function forgetful(db: Db): Db {
  let commits = 0
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'transaction') {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return () => ({
        async execute(work: Parameters<ReturnType<Db['transaction']>['execute']>[0]) {
          const result = await target.transaction().execute(work)
          commits += 1
          if (commits % 2 === 0) throw new Error('the connection is lost')
          return result
        },
      })
    },
  })
}
