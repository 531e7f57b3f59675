import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { redisEventBus } from '#src/adapters/event-bus/redis.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import { accessTokens } from '#src/modules/accounts/tokens.ts'
import { announceNotification, INBOX_CHANNEL } from '#src/modules/inbox/announcements.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import type { Api } from '#src/roles/parts/server.ts'
import { Ear } from '#test/conformance/event-bus.ts'
import { testApi, type TestApi, TEST_JWT_SECRET } from '#test/support/api.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { EventStream } from '#test/support/event-stream.ts'
import { aCustomer } from '#test/support/factories.ts'
import { aMessage, aReader } from '#test/support/inbox-messages.ts'
import { until } from '#test/support/processes.ts'
import { type Redis, startRedis } from '#test/support/redis.ts'
import { logIn, post, put } from '#test/support/requests.ts'

/** Streams over real sockets, between API processes that hear of each other through Redis. */

const log = createLogger('silent')
let redis: Redis
let api: TestApi
/** As a worker has it. */
let bus: EventBus
let instances: readonly Instance[]

interface Instance {
  readonly server: Api
  readonly url: string
}

/** The buses of all processes, with what is heard on each. */
const ends: { readonly bus: EventBus; readonly ear: Ear }[] = []

before(async () => {
  redis = await startRedis()
  api = await testApi({ bus: newBus })
  instances = [await listening(api.server), await listening(await api.another())]
  bus = newBus()
  await allHearEachOther()
})
after(async () => {
  await bus?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
  await redis?.[Symbol.asyncDispose]()
})

function newBus(): EventBus {
  const end = { bus: redisEventBus({ url: redis.url, log }), ear: new Ear() }
  end.bus.subscribe(INBOX_CHANNEL, end.ear)
  ends.push(end)
  return end.bus
}

/** Each process connects in its own time, and has one connection to publish and another to listen. */
async function allHearEachOther(): Promise<void> {
  for (const end of ends) {
    const word = randomUUID()
    await until('what one process tells is heard by all', async () => {
      await end.bus.publish(INBOX_CHANNEL, word)
      return ends.every(({ ear }) => ear.events.includes(word))
    })
  }
}

async function listening(server: Api): Promise<Instance> {
  return { server, url: await server.app.listen({ host: '127.0.0.1', port: 0 }) }
}

function instance(index: number): Instance {
  const found = instances[index]
  if (found === undefined) throw new Error(`there is no instance ${index}`)
  return found
}

const tokens = accessTokens(TEST_JWT_SECRET, { has: () => false }, systemClock)

async function aCaller(db = api.database.db): Promise<{ id: string; token: string }> {
  const id = await aReader(db, Date.now())
  return { id, token: tokens.sign({ accountId: id, sessionId: randomUUID(), role: 'customer' }) }
}

/** The first event of the stream has come: whatever is sent from now on is told. */
async function opened(at: Instance, token: string, lastEventId?: string): Promise<EventStream> {
  const stream = await EventStream.open({ url: at.url, token, lastEventId })
  assert.equal(stream.status, 200, stream.body)
  await stream.event('open')
  return stream
}

/** As a worker begins to send it. */
async function send(to: string): Promise<string> {
  const id = await aMessage(api.database.db, { to: [to], at: Date.now() })
  await announceNotification(bus, { id, isBroadcast: false, recipients: 1 })
  return id
}

test('a stream is what proxies and clients need it to be', async () => {
  const { token } = await aCaller()
  using stream = await opened(instance(0), token)
  const { headers } = stream
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-accel-buffering'], 'no')
  assert.equal(headers['content-encoding'], undefined)
  assert.ok(headers['x-request-id'])
})

test('it is for those who are logged in, and no token is taken from an address', async () => {
  const { app } = instance(0).server
  const { token } = await aCaller()
  for (const url of ['/api/events', `/api/events?access_token=${token}`, `/api/events?token=${token}`]) {
    assert.equal((await app.inject({ url })).statusCode, 401)
  }
  assert.equal((await app.inject({ method: 'HEAD', url: '/api/events' })).statusCode, 404)
  const foreign = await app.inject({
    url: '/api/events',
    headers: { authorization: `Bearer ${token}`, 'last-event-id': 'from elsewhere' },
  })
  assert.equal(foreign.statusCode, 400)
  assert.equal(foreign.json<{ code: string }>().code, 'inbox/invalid-event-id')
})

test('a message is seen on every instance, and what was read on one is told on the other', async () => {
  const { id: reader, token } = await aCaller()
  using first = await opened(instance(0), token)
  using second = await opened(instance(1), token)
  const id = await send(reader)
  for (const stream of [first, second]) {
    assert.equal((await stream.event('notification', { id })).data['unread'], 1)
  }
  const { app } = instance(0).server
  assert.equal((await put(app, `/api/notifications/${id}/read`, {}, token)).statusCode, 204)
  for (const stream of [first, second]) assert.equal((await stream.event('read', { id })).data['unread'], 0)
  await send(reader)
  assert.equal((await put(app, `/api/users/${reader}/notifications/read`, {}, token)).statusCode, 204)
  for (const stream of [first, second]) await stream.event('read', { id: null, unread: 0 })
})

test('five streams of an account, not six', async () => {
  const { token } = await aCaller()
  const streams = await Promise.all([0, 1, 2, 3, 4].map(() => opened(instance(0), token)))
  using refused = await EventStream.open({ url: instance(0).url, token })
  await refused.ended()
  assert.equal(refused.status, 429)
  assert.equal((JSON.parse(refused.body) as { code: string }).code, 'inbox/too-many-streams')
  assert.ok(Number(refused.headers['retry-after']) > 0)
  streams[0]?.cut()
  await until('the one that left makes room', async () => {
    using next = await EventStream.open({ url: instance(0).url, token })
    return next.status === 200
  })
  for (const stream of streams) stream.cut()
})

test('a stream that is cut goes on at another instance, and at one that was started since', async () => {
  const { id: reader, token } = await aCaller()
  const sent: string[] = []
  const shown: unknown[] = []
  let lastEventId: string | undefined
  const sendNext = async (): Promise<void> => {
    sent.push(await send(reader))
    // Messages of one millisecond come in the order of their ids.
    for (const now = Date.now(); Date.now() <= now;) await aTurn()
  }
  const restarted = await listening(await api.another())
  for (const at of [instance(0), instance(1), restarted, instance(0)]) {
    using stream = await opened(at, token, lastEventId)
    await sendNext()
    await stream.until(() => shown.length + stream.shown.length >= sent.length)
    ;({ lastEventId } = stream)
    shown.push(...stream.shown)
    stream.cut()
    await sendNext()
    await sendNext()
  }
  using last = await opened(instance(1), token, lastEventId)
  await last.until(() => shown.length + last.shown.length >= sent.length)
  assert.deepEqual([...shown, ...last.shown], sent)
})

test('Redis killed and back: what was sent meanwhile is shown, once', async () => {
  const { id: reader, token } = await aCaller()
  using first = await opened(instance(0), token)
  using second = await opened(instance(1), token)
  const sent = [await send(reader)]
  await redis.kill()
  sent.push(await send(reader), await send(reader))
  assert.equal((await put(instance(0).server.app, `/api/notifications/${sent[0]}/read`, {}, token)).statusCode, 204)
  await redis.start()
  for (const stream of [first, second]) {
    await stream.until(() => stream.shown.length >= 3)
    await stream.until(() => stream.events.at(-1)?.data['unread'] === 2)
  }
  await allHearEachOther()
  sent.push(await send(reader))
  for (const stream of [first, second]) {
    await stream.event('notification', { id: sent.at(-1) })
    assert.deepEqual(stream.shown.toSorted(), sent.toSorted())
  }
})

test('a logout ends the streams of its session on every instance, and no others', async () => {
  const customer = await aCustomer(api.database.db)
  const { app } = instance(0).server
  const [session, other] = [
    (await logIn(app, { phone: customer.phone, pin: customer.pin })).access_token,
    (await logIn(app, { phone: customer.phone, pin: customer.pin })).access_token,
  ]
  using here = await opened(instance(0), session)
  using there = await opened(instance(1), session)
  using untouched = await opened(instance(0), other)
  assert.equal((await post(app, '/api/logout', {}, session)).statusCode, 204)
  for (const stream of [here, there]) {
    await stream.event('closing', { reason: 'session_ended' })
    await stream.ended()
  }
  const id = await send(customer.id)
  await untouched.event('notification', { id })
})

test('a client that stops reading for a while gets it all in the end, each message once and in order', async () => {
  const { id: reader, token } = await aCaller()
  const first = await opened(instance(0), token)
  first.cut()
  const at = Date.now()
  const sent: string[] = []
  await api.database.db.transaction().execute(async (tx) => {
    for (let count = 0; count < 500; count += 1) {
      sent.push(await aMessage(tx, { to: [reader], at: at + count - 500, body: 'é'.repeat(2_000) }))
    }
  })
  const { url } = instance(1)
  using slow = await EventStream.open({ url, token, lastEventId: first.lastEventId })
  slow.pause()
  using quick = await EventStream.open({ url, token, lastEventId: first.lastEventId })
  await quick.until(() => quick.shown.length >= 500)
  slow.resume()
  await slow.until(() => slow.shown.length >= 500)
  for (const { shown } of [quick, slow]) assert.deepEqual(shown, sent)
})

async function inTurn<T, U>(all: readonly T[], make: (one: T) => Promise<U>): Promise<U[]> {
  const made: U[] = []
  for (const one of all) made.push(await make(one))
  return made
}

test('300 streams are told of one broadcast each, and of their own messages alone', async () => {
  const { db } = api.database
  // In one transaction: nobody's turn of the pool's few connections comes too late.
  const callers = await db.transaction().execute((tx) => inTurn(Array.from({ length: 300 }), () => aCaller(tx)))
  const streams = await Promise.all(callers.map(({ token }, index) => opened(instance(index % 2), token)))
  const broadcast = await aMessage(db, { at: Date.now() })
  await announceNotification(bus, { id: broadcast, isBroadcast: true, recipients: 0 })
  const own = await db
    .transaction()
    .execute((tx) => inTurn(callers, ({ id }) => aMessage(tx, { to: [id], at: Date.now() })))
  await Promise.all(own.map((id) => announceNotification(bus, { id, isBroadcast: false, recipients: 1 })))
  for (const [index, stream] of streams.entries()) {
    await stream.until(() => stream.shown.length >= 2)
    assert.deepEqual(new Set(stream.shown), new Set([broadcast, own[index]]))
    assert.equal(stream.shown.length, 2)
    assert.equal(stream.events.at(-1)?.data['unread'], 2)
    stream.cut()
  }
})

test('an instance that stops says so on each stream, takes no new one, and closes', async () => {
  const stopping = await listening(await api.another())
  const { token } = await aCaller()
  using stream = await opened(stopping, token)
  stopping.server.drain()
  await stream.event('closing', { reason: 'draining' })
  await stream.ended()
  using refused = await EventStream.open({ url: stopping.url, token })
  await refused.ended()
  assert.equal(refused.status, 503)
  await stopping.server.app.close()
  using elsewhere = await opened(instance(0), token, stream.lastEventId)
  assert.equal(elsewhere.status, 200)
})
