import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { memoryEventBus } from '#src/adapters/event-bus/memory.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { announceNotification, announceRead } from '#src/modules/inbox/announcements.ts'
import { Hub, type HubParts } from '#src/modules/inbox/hub.ts'
import { Position } from '#src/modules/inbox/position.ts'
import { markAllRead, markRead } from '#src/modules/inbox/reads.ts'
import type { Sink } from '#src/modules/inbox/stream.ts'
import { VirtualTime } from '#test/celery/virtual-time.ts'
import { anAgency, aLink, aMeter } from '#test/support/factories.ts'
import { aMessage, aReader } from '#test/support/inbox-messages.ts'
import { testDatabase } from '#test/support/database.ts'

/** Streams without a network, on a clock that the test moves. */

const opened = new CloseStack(createLogger('fatal'))
const log = createLogger('silent')
const bus = memoryEventBus({ log })
let database: Database
let time: VirtualTime
before(async () => {
  const fresh = opened.add('test database', await testDatabase())
  database = opened.add('pool', openDatabase({ url: fresh.url, log }))
})
after(() => opened.close())

interface Told {
  readonly event: string
  readonly id: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

class TestSink implements Sink {
  readonly told: Told[] = []
  heartbeats = 0
  isOpen = true
  isClogged = false
  onDrain = (): void => {}

  send(text: string): void {
    if (text.startsWith(':')) {
      this.heartbeats += 1
      return
    }
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]
    this.told.push({ event: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? '{}') })
  }

  end(): void {
    this.isOpen = false
  }

  get shown(): unknown[] {
    return this.told.filter(({ event }) => event === 'notification').map(({ data }) => data['id'])
  }

  get lastEventId(): string | undefined {
    return this.told.findLast(({ id }) => id !== undefined)?.id
  }

  get last(): Told | undefined {
    return this.told.at(-1)
  }
}

/** A day of its own for each, so that no test sees another's broadcasts. */
let day = Date.UTC(2026, 2, 15, 10)

function aHub(parts: Partial<HubParts> = {}) {
  day += 86_400_000
  time = new VirtualTime(day, () => database.use().busy === 0)
  const hub = new Hub({ db: database.db, bus, timers: time, log, ...parts })
  return { hub, [Symbol.asyncDispose]: () => hub.close() }
}

interface OpenOptions {
  readonly lastEventId?: string | undefined
  readonly sessionId?: string
  readonly expiresAt?: number
  readonly sink?: TestSink
}

/** Waits until it has opened, unless its sink is clogged. */
async function open(hub: Hub, accountId: string, options: OpenOptions = {}) {
  const { lastEventId, sessionId = randomUUID(), expiresAt = time.now() + 900_000, sink = new TestSink() } = options
  const position =
    lastEventId === undefined ? Position.at(time.now()) : (Position.parse(lastEventId, time.now()) ?? assert.fail())
  hub.admit({ accountId, sessionId, role: 'customer' })
  const isResumed = lastEventId !== undefined
  const leave = hub.add({ accountId, sessionId, expiresAt, sink, position, isResumed })
  if (!sink.isClogged) await until(() => sink.told.length > 0)
  return { sink, leave }
}

/** The hub asks the database in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 30_000
  while (!isSo()) {
    assert.ok(Date.now() < giveUpAt, 'it did not become so')
    await new Promise(setImmediate)
  }
}

const announce = (id: string, isBroadcast = false): Promise<void> =>
  announceNotification(bus, { id, isBroadcast, recipients: 1 })

test('a stream opens with what is unread, and tells what is announced, with the count', async () => {
  await using at = aHub()
  const reader = await aReader(database.db, time.now() - 1)
  await aMessage(database.db, { to: [reader], at: time.now() - 1 })
  const { sink } = await open(at.hub, reader)
  assert.deepEqual([sink.last?.event, sink.last?.data], ['open', { unread: 1 }])
  const id = await aMessage(database.db, { to: [reader], at: time.now() })
  await announce(id)
  await until(() => sink.shown.length === 1)
  assert.deepEqual(sink.last?.data, {
    id,
    type: 'outage',
    title: 'Coupure',
    body: 'Demain de 8 h à 14 h.',
    data: {},
    priority: 'normal',
    created_at: new Date(time.now()).toISOString(),
    read_at: null,
    unread: 2,
  })
})

test('a broadcast is told to those whom it is for, and to nobody else', async () => {
  await using at = aHub()
  const { db } = database
  const [inside, outside, later] = [
    await aReader(db, time.now() - 1),
    await aReader(db, time.now() - 1),
    await aReader(db, time.now() - 1),
  ]
  const [agency, elsewhere] = [await anAgency(db), await anAgency(db)]
  for (const accountId of [inside, later]) {
    // Two meters of one agency are no two messages.
    for (let count = 0; count < 2; count += 1) {
      await aLink(db, { meterId: (await aMeter(db, { agencyId: agency.id })).id, accountId })
    }
  }
  await aLink(db, { meterId: (await aMeter(db, { agencyId: elsewhere.id })).id, accountId: outside })
  const pending = (await aMeter(db, { agencyId: agency.id })).id
  await aLink(db, { meterId: pending, accountId: outside, state: 'pending' })
  await db
    .updateTable('account')
    .set({ created_at: new Date(time.now() + 60_000) })
    .where('id', '=', later)
    .execute()
  const streams = await Promise.all([inside, outside, later].map(async (id) => (await open(at.hub, id)).sink))
  const toAgency = await aMessage(db, { agencyId: agency.id, at: time.now() })
  await announce(toAgency, true)
  const toAll = await aMessage(db, { at: time.now() + 1 })
  await time.pass(1)
  await announce(toAll, true)
  await until(() => streams[1]?.shown.length === 1 && streams[0]?.shown.length === 2)
  assert.deepEqual(
    streams.map(({ shown }) => shown),
    [[toAgency, toAll], [toAll], []],
  )
  assert.deepEqual(streams[0]?.last?.data['unread'], 2)
})

test('what was withdrawn before it was sent is not told, what is not due yet comes in its time', async () => {
  await using at = aHub()
  const { db } = database
  const reader = await aReader(db, time.now() - 1)
  const { sink } = await open(at.hub, reader)
  const withdrawn = await aMessage(db, { to: [reader], at: time.now() })
  await db
    .updateTable('notification')
    .set({ state: 'cancelled', cancelled_at: new Date(time.now()) })
    .where('id', '=', withdrawn)
    .execute()
  const due = await aMessage(db, { to: [reader], at: time.now() + 20_000 })
  const early = await aMessage(db, { at: time.now() + 20_000 })
  await announce(withdrawn)
  await announce(early, true)
  await time.pass(16_000)
  assert.deepEqual(sink.shown, [])
  await time.pass(16_000)
  await until(() => sink.shown.length === 2)
  assert.deepEqual(new Set(sink.shown), new Set([due, early]))
})

test('what nobody announced is found by the poll, once', async () => {
  await using at = aHub()
  const { db } = database
  const reader = await aReader(db, time.now() - 1)
  const { sink } = await open(at.hub, reader)
  const ids = [
    await aMessage(db, { to: [reader], at: time.now() + 1 }),
    await aMessage(db, { at: time.now() + 2 }),
    await aMessage(db, { to: [reader], at: time.now() + 3 }),
  ]
  await time.pass(15_000)
  await until(() => sink.shown.length >= 3)
  await time.pass(60_000)
  assert.deepEqual(new Set(sink.shown), new Set(ids))
  assert.equal(sink.shown.length, 3)
  assert.equal(sink.last?.data['unread'], 3)
})

test('what one device has read, the others of the account are told', async () => {
  await using at = aHub()
  const { db } = database
  const [reader, other] = [await aReader(db, time.now() - 1), await aReader(db, time.now() - 1)]
  const personal = await aMessage(db, { to: [reader, other], at: time.now() })
  const broadcast = await aMessage(db, { at: time.now() })
  const devices = await Promise.all([reader, reader, other].map(async (id) => (await open(at.hub, id)).sink))
  for (const [unread, id] of [
    [1, personal],
    [0, broadcast],
  ] as const) {
    assert.equal(await markRead(db, id, reader, new Date(time.now())), true)
    assert.equal(await markRead(db, id, reader, new Date(time.now())), false)
    await announceRead(bus, reader, id)
    await until(() => devices.slice(0, 2).every(({ last }) => last?.data['id'] === id))
    for (const { last } of devices.slice(0, 2)) assert.deepEqual([last?.event, last?.data], ['read', { id, unread }])
  }
  await aMessage(db, { at: time.now() })
  assert.equal(await markAllRead(db, reader, new Date(time.now()), new Date(time.now())), 1)
  await announceRead(bus, reader, null)
  await until(() => devices[0]?.last?.data['id'] === null)
  assert.deepEqual(devices[0]?.last?.data, { id: null, unread: 0 })
  assert.deepEqual(devices[2]?.told.length, 1)
})

test('a stream that was away goes on where it was, page by page, and waits for a client that reads slowly', async () => {
  await using at = aHub()
  const { db } = database
  const reader = await aReader(db, time.now() - 1)
  const first = await open(at.hub, reader)
  first.leave()
  const ids: string[] = []
  for (let count = 0; count < 70; count += 1) {
    ids.push(await aMessage(db, { ...(count % 2 === 0 && { to: [reader] }), at: time.now() + count * 1_000 }))
  }
  await time.pass(70_000)
  const sink = new TestSink()
  const { lastEventId } = first.sink
  sink.isClogged = true
  await open(at.hub, reader, { lastEventId, sink })
  await time.pass(60_000)
  assert.equal(sink.told.length, 0)
  sink.isClogged = false
  sink.onDrain()
  await until(() => sink.shown.length >= 70)
  assert.deepEqual(sink.shown, ids)
  assert.equal(sink.told[0]?.event, 'open')
  assert.equal(sink.told[0]?.data['unread'], 70)
  // Anywhere on the way, the id is good for the rest.
  const half = sink.told[35]?.id
  const rest = await open(at.hub, reader, { lastEventId: half })
  await until(() => rest.sink.shown.length >= 35)
  assert.deepEqual(rest.sink.shown, ids.slice(35))
})

test('a stream ends with its token, with its session, and when the instance stops', async () => {
  await using at = aHub()
  const reader = await aReader(database.db, time.now() - 1)
  const sessionId = randomUUID()
  const expiring = await open(at.hub, reader, { expiresAt: time.now() + 5_000 })
  const loggedOut = await open(at.hub, reader, { sessionId })
  const draining = await open(at.hub, reader)
  at.hub.sessionEnded(sessionId)
  await time.pass(5_000)
  const closing = (reason: string) => ({ event: 'closing', reason, isOpen: false })
  const end = ({ sink }: { sink: TestSink }) => ({
    event: sink.last?.event,
    reason: sink.last?.data['reason'],
    isOpen: sink.isOpen,
  })
  assert.deepEqual(end(loggedOut), closing('session_ended'))
  assert.deepEqual(end(expiring), closing('token_expired'))
  assert.equal(draining.sink.isOpen, true)
  at.hub.drain()
  assert.deepEqual(end(draining), closing('draining'))
  assert.equal(at.hub.count, 0)
  assert.throws(() => at.hub.admit({ accountId: reader, sessionId, role: 'customer' }), /http\/draining/)
})

test('a stream has a heartbeat every 25 s, and one whose client is gone is let go', async () => {
  await using at = aHub()
  const reader = await aReader(database.db, time.now() - 1)
  const { sink } = await open(at.hub, reader)
  await time.pass(75_000)
  assert.equal(sink.heartbeats, 3)
  sink.isOpen = false
  await time.pass(1_000)
  assert.equal(at.hub.count, 0)
})

test('an account, and an instance, have so many streams and no more; one that ends makes room', async () => {
  await using at = aHub({ mostPerAccount: 2, mostStreams: 3 })
  const [reader, other] = [await aReader(database.db, time.now() - 1), await aReader(database.db, time.now() - 1)]
  const first = await open(at.hub, reader)
  await open(at.hub, reader)
  await assert.rejects(open(at.hub, reader), /inbox\/too-many-streams/)
  await open(at.hub, other)
  await assert.rejects(open(at.hub, other), /inbox\/streams-full/)
  first.leave()
  first.leave()
  await open(at.hub, reader)
})

test('while the database is away streams wait, and nothing is lost', async () => {
  const { db } = database
  let isAway = false
  // Every way to the database begins with its executor.
  const flaky = new Proxy(db, {
    get(target, name) {
      if (isAway && name === 'getExecutor') throw new Error('the database is away')
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  await using at = aHub({ db: flaky })
  const reader = await aReader(db, time.now() - 1)
  const { sink } = await open(at.hub, reader)
  isAway = true
  const ids = [await aMessage(db, { to: [reader], at: time.now() }), await aMessage(db, { at: time.now() })]
  await announce(ids[0] ?? '')
  await announce(ids[1] ?? '', true)
  await time.pass(40_000)
  assert.deepEqual(sink.shown, [])
  isAway = false
  await time.pass(2_000)
  await until(() => sink.shown.length === 2)
  assert.deepEqual(new Set(sink.shown), new Set(ids))
})

type Step =
  | { readonly kind: 'message'; readonly isBroadcast: boolean; readonly lateMs: number; readonly isAnnounced: boolean }
  | { readonly kind: 'cut' | 'connect'; readonly instance: number }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('message' as const),
      isBroadcast: fc.boolean(),
      lateMs: fc.integer({ min: 0, max: 14_000 }),
      isAnnounced: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'connect' as const),
      instance: fc.integer({ min: 0, max: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
)

test('whatever is cut, lost and late, each message is shown once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await using first = aHub()
      const second = new Hub({ db: database.db, bus, timers: time, log })
      const hubs = [first.hub, second] as const
      const reader = await aReader(database.db, time.now() - 60_000)
      const [shown, sent]: [unknown[], string[]] = [[], []]
      let stream = await open(first.hub, reader)
      let { lastEventId } = stream.sink
      let isConnected = true
      const cut = (): void => {
        if (!isConnected) return
        stream.leave()
        shown.push(...stream.sink.shown)
        lastEventId = stream.sink.lastEventId ?? lastEventId
        isConnected = false
      }
      for (const next of steps) {
        if (next.kind === 'message') {
          // Visible since before it was committed, by up to the overlap less a poll.
          const at = time.now() - next.lateMs
          const fields = next.isBroadcast ? { at } : { at, to: [reader] }
          const id = await aMessage(database.db, fields)
          sent.push(id)
          if (next.isAnnounced) await announce(id, next.isBroadcast)
        } else if (next.kind === 'pass') await time.pass(next.ms)
        else if (next.kind === 'cut') cut()
        else if (!isConnected) {
          stream = await open(hubs[next.instance === 0 ? 0 : 1], reader, { lastEventId })
          isConnected = true
        }
      }
      cut()
      stream = await open(second, reader, { lastEventId })
      isConnected = true
      await time.pass(31_000)
      await until(() => shown.length + stream.sink.shown.length >= sent.length)
      cut()
      assert.deepEqual(shown.toSorted(), sent.toSorted())
      await second.close()
    }),
    { numRuns: 10 },
  )
})
