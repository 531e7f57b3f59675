import assert from 'node:assert/strict'
import { double, int32, int64 } from '#src/ports/message-headers.ts'
import { type Bench, Inbox, passUntil, refusedWith, textMessage } from './broker-bench.ts'

export async function carriesEverything({ broker, name }: Bench): Promise<void> {
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

export async function sharesNothing({ broker, name }: Bench): Promise<void> {
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

export async function routes({ broker, name }: Bench): Promise<void> {
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

export async function mandatory({ broker, name }: Bench): Promise<void> {
  await broker.publish(textMessage(name, 'dropped'))
  await assert.rejects(broker.publish(textMessage(name, 'refused'), { mandatory: true }), refusedWith(312))
  await broker.declareQueue({ name, exclusive: true })
  await broker.publish(textMessage(name, 'taken'), { mandatory: true })
  assert.equal((await broker.countQueue(name)).messages, 1)
}

export async function absentExchange({ broker, name }: Bench): Promise<void> {
  await assert.rejects(broker.publish(textMessage('key', 'text', { exchange: name })), refusedWith(404))
  await broker.declareQueue({ name, exclusive: true })
  await assert.rejects(broker.bindQueue(name, `${name}-absent`, ''), refusedWith(404))
  await assert.rejects(
    broker.consume(`${name}-absent`, { prefetch: 1 }, () => {}),
    refusedWith(404),
  )
  await broker.publish(textMessage(name, 'still usable'), { mandatory: true })
}

export async function declaresAgain({ broker, connect, name }: Bench): Promise<void> {
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

export async function exclusive({ broker, connect, name }: Bench): Promise<void> {
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

export async function autoDelete({ broker, name }: Bench): Promise<void> {
  await broker.declareQueue({ name, autoDelete: true })
  const consumer = await broker.consume(name, { prefetch: 1 }, () => {})
  await consumer.close()
  await assert.rejects(broker.countQueue(name), refusedWith(404))
}

export async function expires({ broker, passTime, name }: Bench): Promise<void> {
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

export async function queueTtl(bench: Bench): Promise<void> {
  const { broker, passTime, name } = bench
  await broker.declareQueue({ name, arguments: { 'x-message-ttl': 200 } })
  await broker.publish(textMessage(name, 'old', { properties: { expiration: '60000' } }))
  await passTime(400)
  const messages = async (): Promise<number> => (await broker.countQueue(name)).messages
  await passUntil(bench, 100, async () => (await messages()) === 0)
  assert.equal(await messages(), 0)
  await broker.deleteQueue(name)
}

export async function queueExpires(bench: Bench): Promise<void> {
  const { broker, passTime, name } = bench
  await broker.declareQueue({ name, arguments: { 'x-expires': 500 } })
  const consumer = await broker.consume(name, { prefetch: 1 }, () => {})
  await passTime(1_000)
  assert.equal((await broker.countQueue(name)).consumers, 1)
  await consumer.close()
  await passTime(1_000)
  // To ask is to use it: its time begins anew.
  const isGone = (): Promise<boolean> => broker.countQueue(name).then(() => false, refusedWith(404))
  await passUntil(bench, 1_000, isGone)
  assert.equal(await isGone(), true)
}

export async function deadLetters({ broker, passTime, name }: Bench): Promise<void> {
  const dead = `${name}-dead`
  await broker.declareExchange({ name: dead, type: 'direct' })
  await broker.declareQueue({ name: dead })
  await broker.bindQueue(dead, dead, 'dead')
  const args = { 'x-dead-letter-exchange': dead, 'x-dead-letter-routing-key': 'dead', 'x-message-ttl': 60_000 }
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
