import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type Broker,
  BrokerRefused,
  BrokerUnavailable,
  type Delivery,
  type OutgoingMessage,
} from '#src/ports/broker.ts'
import { double, int32, int64 } from '#src/ports/message-headers.ts'

export interface BrokerUnderTest {
  /** A new connection to one and the same broker; all are closed by the suite. */
  readonly connect: () => Promise<Broker>
  /** Makes the broker's clock advance; a real one simply waits. */
  readonly passTime: (ms: number) => Promise<void>
  /** Breaks a connection from outside; `restore` lets it come back. */
  readonly drop: (connection: Broker) => Promise<void>
  readonly restore: (connection: Broker) => Promise<void>
}

interface Bench extends BrokerUnderTest {
  readonly broker: Broker
  /** A prefix of this test's own names, so that a shared server serves. */
  readonly name: string
}

/** What every broker must do. */
export function brokerConformance(label: string, open: () => Promise<BrokerUnderTest>): void {
  const withBroker = (run: (bench: Bench) => Promise<void>) => async () => {
    const subject = await open()
    const connections: Broker[] = []
    const connect = async (): Promise<Broker> => {
      const connection = await subject.connect()
      connections.push(connection)
      return connection
    }
    try {
      await run({ ...subject, connect, broker: await connect(), name: `conformance-${crypto.randomUUID()}` })
    } finally {
      for (const connection of connections) await connection[Symbol.asyncDispose]()
    }
  }

  suite(`broker: ${label}`, () => {
    test('carries every property, typed header and byte', withBroker(carriesEverything))
    test('the sender and the receivers share no object', withBroker(sharesNothing))
    test('direct, fanout and topic exchanges route by their rules', withBroker(routes))
    test('a mandatory message without a queue is refused, another is dropped', withBroker(mandatory))
    test('an exchange that is not there refuses', withBroker(absentExchange))
    test('declaring again is allowed when equal, refused when different', withBroker(declaresAgain))
    test('an exclusive queue is refused to others and goes with its connection', withBroker(exclusive))
    test('an auto-delete queue goes with its last consumer', withBroker(autoDelete))
    test('prefetch bounds what is unsettled', withBroker(prefetch))
    test('a larger prefetch lets more through at once', withBroker(largerPrefetch))
    test('messages keep their order, and consumers take turns', withBroker(takesTurns))
    test('a requeued message comes back to its place, marked', withBroker(requeues))
    test('stop ends deliveries and lets those out be settled', withBroker(stops))
    test('close gives everything unsettled back in order', withBroker(closes))
    test('a delivery is settled once', withBroker(settlesOnce))
    test('noAck settles when it sends', withBroker(noAck))
    test('an expired message is not delivered', withBroker(expires))
    test('the queue’s own lifetime for messages counts too', withBroker(queueTtl))
    test('a queue nobody uses goes after x-expires', withBroker(queueExpires))
    test('rejected and expired messages go to the dead-letter exchange with their history', withBroker(deadLetters))
    test('deleting a queue ends its consumers', withBroker(deletesQueue))
    test('a lost connection ends consumers, returns messages and makes acks void', withBroker(losesConnection))
    test('a closed connection refuses everything', withBroker(closedConnection))
    test('connected() waits, and can be told to stop waiting', withBroker(waitsForConnection))
    test('a deep queue stays fast', withBroker(deepQueue))
  })
}

function textMessage(routingKey: string, text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { exchange: '', routingKey, properties: { deliveryMode: 2 }, headers: {}, body: Buffer.from(text), ...more }
}

function refusedWith(code: number) {
  return (error: unknown): boolean => error instanceof BrokerRefused && error.code === code
}

/** Collects deliveries and lets a test wait for the n-th. */
class Inbox {
  readonly deliveries: Delivery[] = []
  readonly #waiting = new Map<number, () => void>()

  readonly receive = (delivery: Delivery): void => {
    this.deliveries.push(delivery)
    this.#waiting.get(this.deliveries.length)?.()
  }

  get texts(): string[] {
    return this.deliveries.map((delivery) => delivery.body.toString())
  }

  async has(count: number): Promise<Delivery[]> {
    if (this.deliveries.length < count) await new Promise<void>((resolve) => this.#waiting.set(count, resolve))
    return this.deliveries
  }
}

async function carriesEverything({ broker, name }: Bench): Promise<void> {
  await broker.declareQueue({ name })
  const properties = {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    deliveryMode: 2 as const,
    correlationId: 'c-1',
    replyTo: 'r-1',
    priority: 7,
    expiration: '60000',
  }
  const body = Buffer.from([0, 255, 10, 13, 128])
  const headers = {
    text: 'é☃😀',
    yes: true,
    none: null,
    small: int32(7),
    middle: int32(600),
    negative: int32(-70_000),
    large: int64(2 ** 40),
    real: double(1.5),
    list: [int32(600), null, 'x', { deep: int32(129) }],
    table: { a: 'b' },
  }
  await broker.publish({ exchange: '', routingKey: name, properties, headers, body })
  const inbox = new Inbox()
  await broker.consume(name, { prefetch: 1 }, inbox.receive)
  const [delivery] = await inbox.has(1)
  assert.ok(delivery)
  assert.deepEqual(delivery.properties, properties)
  assert.deepEqual(delivery.headers, {
    text: 'é☃😀',
    yes: true,
    none: null,
    small: 7,
    middle: 600,
    negative: -70_000,
    large: 2 ** 40,
    real: 1.5,
    list: [600, null, 'x', { deep: 129 }],
    table: { a: 'b' },
  })
  assert.deepEqual(delivery.body, body)
  assert.equal(delivery.routingKey, name)
  assert.equal(delivery.exchange, '')
  assert.equal(delivery.redelivered, false)
}

async function sharesNothing({ broker, name }: Bench): Promise<void> {
  await broker.declareExchange({ name, type: 'fanout', autoDelete: true })
  const inboxes = [new Inbox(), new Inbox()]
  for (const [n, inbox] of inboxes.entries()) {
    await broker.declareQueue({ name: `${name}-${n}`, autoDelete: true })
    await broker.bindQueue(`${name}-${n}`, name, '')
    await broker.consume(`${name}-${n}`, { prefetch: 1 }, inbox.receive)
  }
  const body = Buffer.from('hello')
  await broker.publish({ exchange: name, routingKey: '', properties: {}, headers: {}, body })
  body.fill('x')
  const [first] = await inboxes[0]!.has(1)
  first?.body.fill('y')
  const [second] = await inboxes[1]!.has(1)
  assert.equal(second?.body.toString(), 'hello')
}

async function routes({ broker, name }: Bench): Promise<void> {
  const cases = [
    { type: 'direct', keys: ['task.sent'], sent: ['task.sent', 'task.other'], got: ['task.sent'] },
    { type: 'fanout', keys: ['whatever'], sent: ['a', 'b'], got: ['a', 'b'] },
    {
      type: 'topic',
      keys: ['worker.#', '*.multi'],
      sent: ['worker', 'worker.online', 'task.multi', 'worker.multi', 'task.sent'],
      got: ['worker', 'worker.online', 'task.multi', 'worker.multi'],
    },
  ] as const
  for (const { type, keys, sent, got } of cases) {
    const own = `${name}-${type}`
    await broker.declareExchange({ name: own, type })
    await broker.declareQueue({ name: own, exclusive: true })
    for (const key of [...keys, ...keys]) await broker.bindQueue(own, own, key)
    for (const routingKey of sent) await broker.publish(textMessage(routingKey, routingKey, { exchange: own }))
    const inbox = new Inbox()
    await broker.consume(own, { prefetch: 0, noAck: true }, inbox.receive)
    await inbox.has(got.length)
    assert.deepEqual(inbox.texts, got)
    assert.deepEqual((await broker.countQueue(own)).messages, 0)
  }
}

async function mandatory({ broker, name }: Bench): Promise<void> {
  await broker.publish(textMessage(name, 'dropped'))
  await assert.rejects(broker.publish(textMessage(name, 'refused'), { mandatory: true }), refusedWith(312))
  await broker.declareQueue({ name, exclusive: true })
  await broker.publish(textMessage(name, 'taken'), { mandatory: true })
  assert.equal((await broker.countQueue(name)).messages, 1)
}

async function absentExchange({ broker, name }: Bench): Promise<void> {
  await assert.rejects(broker.publish(textMessage('key', 'text', { exchange: name })), refusedWith(404))
  await broker.declareQueue({ name, exclusive: true })
  await assert.rejects(broker.bindQueue(name, `${name}-absent`, ''), refusedWith(404))
  await assert.rejects(
    broker.consume(`${name}-absent`, { prefetch: 1 }, () => {}),
    refusedWith(404),
  )
  await broker.publish(textMessage(name, 'still usable'), { mandatory: true })
}

async function declaresAgain({ broker, connect, name }: Bench): Promise<void> {
  await broker.declareExchange({ name, type: 'direct' })
  await broker.declareExchange({ name, type: 'direct', durable: true, autoDelete: false })
  await assert.rejects(broker.declareExchange({ name, type: 'topic' }), refusedWith(406))
  await broker.declareQueue({ name })
  await broker.publish(textMessage(name, 'kept'))
  const again = await (await connect()).declareQueue({ name, durable: true, arguments: {} })
  assert.deepEqual(again, { messages: 1, consumers: 0 })
  await assert.rejects(broker.declareQueue({ name, durable: false }), refusedWith(406))
  await assert.rejects(broker.declareQueue({ name, arguments: { 'x-message-ttl': 5 } }), refusedWith(406))
  await broker.deleteQueue(name)
  await broker.deleteQueue(name)
  await broker.declareQueue({ name, arguments: { 'x-message-ttl': 5000 }, exclusive: true })
}

async function exclusive({ broker, connect, name }: Bench): Promise<void> {
  const other = await connect()
  await other.declareQueue({ name, exclusive: true })
  await assert.rejects(broker.declareQueue({ name, exclusive: true }), refusedWith(405))
  await assert.rejects(
    broker.consume(name, { prefetch: 1 }, () => {}),
    refusedWith(405),
  )
  await other[Symbol.asyncDispose]()
  await broker.declareQueue({ name, exclusive: true })
}

async function autoDelete({ broker, name }: Bench): Promise<void> {
  await broker.declareQueue({ name, autoDelete: true })
  const consumer = await broker.consume(name, { prefetch: 1 }, () => {})
  await consumer.close()
  await assert.rejects(broker.countQueue(name), refusedWith(404))
}

async function fill(broker: Broker, queue: string, texts: readonly string[]): Promise<void> {
  await broker.declareQueue({ name: queue })
  for (const text of texts) await broker.publish(textMessage(queue, text))
}

async function prefetch({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3', '4', '5'])
  const inbox = new Inbox()
  await broker.consume(name, { prefetch: 2 }, inbox.receive)
  await inbox.has(2)
  assert.deepEqual(await broker.countQueue(name), { messages: 3, consumers: 1 })
  inbox.deliveries[1]!.ack()
  await inbox.has(3)
  inbox.deliveries[0]!.ack()
  await inbox.has(4)
  assert.equal((await broker.countQueue(name)).messages, 1)
  assert.deepEqual(inbox.texts, ['1', '2', '3', '4'])
  await broker.deleteQueue(name)
}

async function largerPrefetch({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3', '4'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 1 }, inbox.receive)
  await inbox.has(1)
  await consumer.setPrefetch(3)
  await inbox.has(3)
  for (const delivery of inbox.deliveries.slice(0, 3)) assert.equal(delivery.ack(), true)
  await inbox.has(4)
  assert.deepEqual(inbox.texts, ['1', '2', '3', '4'])
  await broker.deleteQueue(name)
}

async function takesTurns({ broker, name }: Bench): Promise<void> {
  await broker.declareQueue({ name })
  const order: string[] = []
  const all = Promise.withResolvers<void>()
  for (const who of ['a', 'b']) {
    await broker.consume(name, { prefetch: 10 }, (delivery) => {
      order.push(`${who}${delivery.body.toString()}`)
      if (order.length === 4) all.resolve()
    })
  }
  for (const text of ['1', '2', '3', '4']) await broker.publish(textMessage(name, text))
  await all.promise
  assert.deepEqual(order.toSorted(), order[0] === 'a1' ? ['a1', 'a3', 'b2', 'b4'] : ['a2', 'a4', 'b1', 'b3'])
  await broker.deleteQueue(name)
}

async function requeues({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 2 }, inbox.receive)
  await inbox.has(2)
  await consumer.stop()
  assert.equal(inbox.deliveries[0]!.reject({ requeue: true }), true)
  inbox.deliveries[1]!.ack()
  const second = new Inbox()
  await broker.consume(name, { prefetch: 0 }, second.receive)
  await second.has(2)
  assert.deepEqual(second.texts, ['1', '3'])
  assert.deepEqual(
    second.deliveries.map((delivery) => delivery.redelivered),
    [true, false],
  )
  await broker.deleteQueue(name)
}

async function stops({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 2 }, inbox.receive)
  await inbox.has(2)
  await consumer.stop()
  assert.equal(await consumer.ended, 'stopped')
  assert.equal(inbox.deliveries[0]!.ack(), true)
  assert.deepEqual(await broker.countQueue(name), { messages: 1, consumers: 0 })
  await consumer.close()
  await consumer.close()
  assert.equal(inbox.deliveries[1]!.ack(), false)
  const second = new Inbox()
  await broker.consume(name, { prefetch: 0 }, second.receive)
  await second.has(2)
  assert.deepEqual(second.texts, ['2', '3'])
  await broker.deleteQueue(name)
}

async function closes({ broker, connect, name }: Bench): Promise<void> {
  const texts = Array.from({ length: 50 }, (_, n) => `${n}`)
  await fill(broker, name, texts)
  const other = await connect()
  const inbox = new Inbox()
  const consumer = await other.consume(name, { prefetch: 30 }, inbox.receive)
  await inbox.has(30)
  inbox.deliveries[7]!.ack()
  await inbox.has(31)
  await consumer.close()
  assert.equal((await broker.countQueue(name)).messages, 49)
  const second = new Inbox()
  await broker.consume(name, { prefetch: 0 }, second.receive)
  await second.has(49)
  assert.deepEqual(
    second.texts,
    texts.filter((text) => text !== '7'),
  )
  assert.equal(second.deliveries.filter((delivery) => delivery.redelivered).length, 30)
  await broker.deleteQueue(name)
}

async function settlesOnce({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2'])
  const inbox = new Inbox()
  await broker.consume(name, { prefetch: 2 }, inbox.receive)
  const [first, second] = await inbox.has(2)
  assert.equal(first?.ack(), true)
  assert.throws(() => first?.ack())
  assert.equal(second?.reject({ requeue: false }), true)
  assert.throws(() => second?.reject({ requeue: true }))
  assert.equal((await broker.countQueue(name)).messages, 0)
  await broker.deleteQueue(name)
}

async function noAck({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 1, noAck: true }, inbox.receive)
  await inbox.has(3)
  await consumer.close()
  assert.equal((await broker.countQueue(name)).messages, 0)
  await broker.deleteQueue(name)
}

async function expires({ broker, passTime, name }: Bench): Promise<void> {
  await broker.declareQueue({ name })
  await broker.publish(textMessage(name, 'short', { properties: { expiration: '200' } }))
  await broker.publish(textMessage(name, 'none', { properties: { expiration: '0' } }))
  await broker.publish(textMessage(name, 'long', { properties: { expiration: '60000' } }))
  await passTime(400)
  const inbox = new Inbox()
  await broker.consume(name, { prefetch: 0 }, inbox.receive)
  await inbox.has(1)
  await passTime(100)
  assert.deepEqual(inbox.texts, ['long'])
  await broker.deleteQueue(name)
}

async function queueTtl({ broker, passTime, name }: Bench): Promise<void> {
  await broker.declareQueue({ name, arguments: { 'x-message-ttl': 200 } })
  await broker.publish(textMessage(name, 'old', { properties: { expiration: '60000' } }))
  await passTime(400)
  assert.equal((await broker.countQueue(name)).messages, 0)
  await broker.deleteQueue(name)
}

async function queueExpires({ broker, passTime, name }: Bench): Promise<void> {
  await broker.declareQueue({ name, arguments: { 'x-expires': 500 } })
  const consumer = await broker.consume(name, { prefetch: 1 }, () => {})
  await passTime(1_000)
  assert.equal((await broker.countQueue(name)).consumers, 1)
  await consumer.close()
  await passTime(1_000)
  await assert.rejects(broker.countQueue(name), refusedWith(404))
}

async function deadLetters({ broker, passTime, name }: Bench): Promise<void> {
  const dead = `${name}-dead`
  await broker.declareExchange({ name: dead, type: 'direct' })
  await broker.declareQueue({ name: dead })
  await broker.bindQueue(dead, dead, 'dead')
  const args = { 'x-dead-letter-exchange': dead, 'x-dead-letter-routing-key': 'dead', 'x-message-ttl': 5_000 }
  await broker.declareQueue({ name, arguments: args })
  await broker.publish(textMessage(name, 'rejected', { headers: { mine: int32(600) } }))
  const consumer = await broker.consume(name, { prefetch: 1 }, (delivery) => void delivery.reject({ requeue: false }))
  const graves = new Inbox()
  await broker.consume(dead, { prefetch: 0 }, graves.receive)
  await graves.has(1)
  await consumer.close()
  await broker.publish(textMessage(name, 'expired', { properties: { expiration: '100', correlationId: 'c' } }))
  await passTime(300)
  const [rejected, expired] = await graves.has(2)
  assert.deepEqual(graves.texts, ['rejected', 'expired'])
  assert.equal(rejected?.headers['mine'], 600)
  assert.deepEqual(rejected?.routingKey, 'dead')
  for (const [delivery, reason] of [
    [rejected, 'rejected'],
    [expired, 'expired'],
  ] as const) {
    const [death] = delivery!.headers['x-death'] as readonly { queue: string; reason: string; count: number }[]
    assert.deepEqual([death?.queue, death?.reason, death?.count], [name, reason, 1])
  }
  assert.deepEqual([expired?.properties.expiration, expired?.properties.correlationId], [undefined, 'c'])
  await broker.deleteQueue(name)
  await broker.deleteQueue(dead)
}

async function deletesQueue({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 1 }, inbox.receive)
  await inbox.has(1)
  await broker.deleteQueue(name)
  assert.equal(await consumer.ended, 'cancelled')
}

async function losesConnection({ broker, connect, drop, restore, name }: Bench): Promise<void> {
  const other = await connect()
  await fill(broker, name, ['1', '2'])
  await other.declareQueue({ name: `${name}-own`, exclusive: true })
  const inbox = new Inbox()
  const consumer = await other.consume(name, { prefetch: 2 }, inbox.receive)
  await inbox.has(2)
  await drop(other)
  assert.equal(await consumer.ended, 'lost')
  assert.equal(inbox.deliveries[0]!.ack(), false)
  assert.equal(inbox.deliveries[1]!.reject({ requeue: false }), false)
  await consumer.stop()
  await consumer.close()
  await restore(other)
  await other.connected()
  const again = new Inbox()
  await other.consume(name, { prefetch: 0 }, again.receive)
  await again.has(2)
  assert.deepEqual(again.texts, ['1', '2'])
  assert.ok(again.deliveries.every((delivery) => delivery.redelivered))
  await assert.rejects(other.countQueue(`${name}-own`), refusedWith(404))
  await broker.deleteQueue(name)
}

async function closedConnection({ connect, name }: Bench): Promise<void> {
  const closed = await connect()
  const consumer = await closed
    .declareQueue({ name, exclusive: true })
    .then(() => closed.consume(name, { prefetch: 1 }, () => {}))
  await closed[Symbol.asyncDispose]()
  await closed[Symbol.asyncDispose]()
  assert.equal(await consumer.ended, 'lost')
  assert.equal(closed.isConnected, false)
  for (const call of [
    () => closed.publish(textMessage(name, 'x')),
    () => closed.declareQueue({ name }),
    () => closed.connected(),
    () => closed.consume(name, { prefetch: 1 }, () => {}),
  ]) {
    await assert.rejects(call(), BrokerUnavailable)
  }
}

async function waitsForConnection({ connect, drop, restore, name }: Bench): Promise<void> {
  const connection = await connect()
  await connection.connected()
  await drop(connection)
  const patience = new AbortController()
  const impatient = assert.rejects(connection.connected(patience.signal), /enough/)
  patience.abort(new Error('enough'))
  await impatient
  const back = connection.connected()
  await restore(connection)
  await back
  assert.equal(connection.isConnected, true)
  await connection.declareQueue({ name, exclusive: true })
}

async function deepQueue({ broker, name }: Bench): Promise<void> {
  const count = 100_000
  await broker.declareQueue({ name })
  for (let n = 0; n < count; n += 1000) {
    await Promise.all(Array.from({ length: 1000 }, (_, i) => broker.publish(textMessage(name, `${n + i}`))))
  }
  assert.equal((await broker.countQueue(name)).messages, count)
  let next = 0
  const done = Promise.withResolvers<void>()
  await broker.consume(name, { prefetch: 100 }, (delivery) => {
    if (Number(delivery.body.toString()) !== next) done.reject(new Error(`${next} is out of order`))
    next += 1
    delivery.ack()
    if (next === count) done.resolve()
  })
  await done.promise
  await broker.deleteQueue(name)
}
