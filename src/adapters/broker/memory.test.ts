import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BrokerRefused, type Consumer, type Delivery } from '#src/ports/broker.ts'
import { settled, VirtualTime } from '#test/celery/virtual-time.ts'
import { brokerConformance } from '#test/conformance/broker.ts'
import { memoryBroker } from './memory.ts'

brokerConformance('memory', () => {
  const time = new VirtualTime()
  const server = memoryBroker({ timers: time })
  const open = new Map<object, ReturnType<typeof server.connect>>()
  return Promise.resolve({
    connect: () => {
      const connection = server.connect()
      open.set(connection, connection)
      return Promise.resolve(connection)
    },
    passTime: (ms) => time.pass(ms),
    drop: (connection) => Promise.resolve(open.get(connection)?.dropConnection()),
    restore: (connection) => Promise.resolve(open.get(connection)?.restoreConnection()),
  })
})

function numbered(n: number) {
  return { exchange: '', routingKey: 'q', properties: {}, headers: {}, body: Buffer.from(`${n}`) }
}

test('an argument it does not know is refused, not ignored', async () => {
  const broker = memoryBroker().connect()
  await assert.rejects(
    broker.declareQueue({ name: 'q', arguments: { 'x-max-priority': 9 } }),
    (error) => error instanceof BrokerRefused && error.code === 540,
  )
})

test('a property that AMQP could not carry is refused', async () => {
  const broker = memoryBroker().connect()
  const refused = (code: number) => (error: unknown) => error instanceof BrokerRefused && error.code === code
  await assert.rejects(broker.publish({ ...numbered(1), routingKey: 'é'.repeat(128) }), refused(502))
  await assert.rejects(broker.publish({ ...numbered(1), properties: { expiration: '1.5' } }), refused(406))
})

test('a message that only time moves in a circle is dropped in the end', async () => {
  const time = new VirtualTime()
  const broker = memoryBroker({ timers: time }).connect()
  for (const [name, next] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const circle = { 'x-message-ttl': 100, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': next }
    await broker.declareQueue({ name, arguments: circle })
  }
  await broker.publish({ ...numbered(1), routingKey: 'a' })
  await time.pass(150)
  assert.equal((await broker.countQueue('b')).messages, 1)
  await time.pass(1000)
  assert.equal((await broker.countQueue('a')).messages + (await broker.countQueue('b')).messages, 0)
  assert.equal(time.waiting, 0)
})

test('a consumer that never waits leaves room for the rest of the process', async () => {
  const broker = memoryBroker().connect()
  await broker.declareQueue({ name: 'q' })
  const count = 5_000
  for (let n = 0; n < count; n += 1) await broker.publish(numbered(n))
  let acked = 0
  const consumer = await broker.consume('q', { prefetch: 4 }, (delivery) => {
    queueMicrotask(() => {
      acked += 1
      delivery.ack()
    })
  })
  await new Promise((resolve) => setTimeout(resolve, 0))
  await consumer.close()
  assert.ok(acked < count, `${acked} of ${count} before the first timer`)
})

test('whatever consumers do, no message is lost, doubled, or out of its place', async () => {
  const action = fc.oneof(
    fc.record({ do: fc.constantFrom('publish', 'consume') }),
    fc.record({ do: fc.constantFrom('ack', 'requeue', 'close', 'stop'), which: fc.nat(9) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const connection = memoryBroker({ timers: new VirtualTime() }).connect()
      await connection.declareQueue({ name: 'q' })
      const consumers: { consumer: Consumer; out: Delivery[] }[] = []
      const acked: number[] = []
      let published = 0
      for (const step of actions) {
        const { out = [], consumer } = consumers['which' in step ? step.which % consumers.length : 0] ?? {}
        if (step.do === 'publish') await connection.publish(numbered(published++))
        else if (step.do === 'consume') {
          const own: Delivery[] = []
          consumers.push({ consumer: await connection.consume('q', { prefetch: 2 }, (one) => own.push(one)), out: own })
        } else if (step.do === 'ack') {
          const delivery = out.shift()
          if (delivery?.ack() === true) acked.push(Number(delivery.body.toString()))
        } else if (step.do === 'requeue') out.shift()?.reject({ requeue: true })
        else await consumer?.[step.do]()
        await settled()
      }
      for (const { consumer } of consumers) await consumer.close()
      const left: number[] = []
      await connection.consume('q', { prefetch: 0 }, (one) => left.push(Number(one.body.toString())))
      await settled()
      assert.deepEqual(
        left,
        left.toSorted((a, b) => a - b),
      )
      assert.deepEqual(
        [...left, ...acked].toSorted((a, b) => a - b),
        Array.from({ length: published }, (_, n) => n),
      )
    }),
    { numRuns: 60 },
  )
})
