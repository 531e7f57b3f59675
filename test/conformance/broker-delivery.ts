import assert from 'node:assert/strict'
import { type Broker, BrokerUnavailable } from '#src/ports/broker.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { type Bench, fill, Inbox, refusedWith, textMessage } from './broker-bench.ts'

export async function prefetch({ broker, name }: Bench): Promise<void> {
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

export async function largerPrefetch({ broker, name }: Bench): Promise<void> {
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

export async function takesTurns({ broker, name }: Bench): Promise<void> {
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
  // What comes to one may overtake what comes to the other.
  const isFirstOfA = order.includes('a1')
  assert.deepEqual(order.toSorted(), isFirstOfA ? ['a1', 'a3', 'b2', 'b4'] : ['a2', 'a4', 'b1', 'b3'])
  await broker.deleteQueue(name)
}

export async function requeues({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 2 }, inbox.receive)
  await inbox.has(2)
  await consumer.stop()
  assert.equal(inbox.deliveries[0]!.reject({ requeue: true }), true)
  inbox.deliveries[1]!.ack()
  // What is settled for one consumer may be known to the queue only after another has begun.
  while ((await broker.countQueue(name)).messages < 2) await aTurn()
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

export async function stops({ broker, name }: Bench): Promise<void> {
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

export async function closes({ broker, connect, name }: Bench): Promise<void> {
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

export async function settlesOnce({ broker, name }: Bench): Promise<void> {
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

export async function noAck({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1', '2', '3'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 1, noAck: true }, inbox.receive)
  await inbox.has(3)
  await consumer.close()
  assert.equal((await broker.countQueue(name)).messages, 0)
  await broker.deleteQueue(name)
}

export async function deletesQueue({ broker, name }: Bench): Promise<void> {
  await fill(broker, name, ['1'])
  const inbox = new Inbox()
  const consumer = await broker.consume(name, { prefetch: 1 }, inbox.receive)
  await inbox.has(1)
  await broker.deleteQueue(name)
  assert.equal(await consumer.ended, 'cancelled')
}

export async function losesConnection({ broker, connect, drop, restore, name }: Bench): Promise<void> {
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
  await assert.rejects(countOnceReleased(other, `${name}-own`), refusedWith(404))
  await broker.deleteQueue(name)
}

/** Until the broker has done away with a lost connection, its exclusive queues are still there, and refused to others. */
async function countOnceReleased(broker: Broker, queue: string): Promise<unknown> {
  for (;;) {
    try {
      return await broker.countQueue(queue)
    } catch (error) {
      if (!refusedWith(405)(error)) throw error
      await aTurn()
    }
  }
}

export async function closedConnection({ connect, name }: Bench): Promise<void> {
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

export async function waitsForConnection({ connect, drop, restore, name }: Bench): Promise<void> {
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

export async function deepQueue({ broker, name }: Bench): Promise<void> {
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
