import { brokerConformance } from '#test/conformance/broker.ts'
import { VirtualTime } from '#test/celery/virtual-time.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerRefused } from '#src/ports/broker.ts'
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

test('an argument it does not know is refused, not ignored', async () => {
  const broker = memoryBroker().connect()
  await assert.rejects(
    broker.declareQueue({ name: 'q', arguments: { 'x-max-priority': 9 } }),
    (error) => error instanceof BrokerRefused && error.code === 540,
  )
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
  await broker.publish({ exchange: '', routingKey: 'a', properties: {}, headers: {}, body: Buffer.from('x') })
  await time.pass(150)
  assert.equal((await broker.countQueue('b')).messages, 1)
  await time.pass(1000)
  assert.equal((await broker.countQueue('a')).messages + (await broker.countQueue('b')).messages, 0)
  assert.equal(time.waiting, 0)
})
