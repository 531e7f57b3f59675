import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { type Broker, BrokerRefused, BrokerUnavailable } from '#src/ports/broker.ts'
import { int32 } from '#src/ports/message-headers.ts'
import { Inbox, refusedWith, textMessage } from '#test/conformance/broker-bench.ts'
import { AmqpTap } from '#test/support/amqp-tap.ts'
import { rabbitmqHost } from '#test/support/shared-rabbitmq.ts'
import { TcpInterposer } from '#test/support/tcp-interposer.ts'

const server = await rabbitmqHost()
after(() => server[Symbol.asyncDispose]())

function open(url = server.url, lines: string[] = []): Broker {
  const log = createLogger('info', { write: (line) => void lines.push(line) })
  return rabbitmqBroker({ url, log, name: 'wire', timers: systemTimers })
}

test('prefetch never counts for a whole channel, and no queue is neither durable nor exclusive', async () => {
  await using tap = await AmqpTap.start(server.url)
  await using broker = open(tap.urlOf(server.url))
  await broker.connected()
  await broker.declareQueue({ name: 'tasks' })
  await broker.declareQueue({ name: 'own', exclusive: true, durable: false })
  await assert.rejects(broker.declareQueue({ name: 'neither', durable: false }), refusedWith(540))
  const consumer = await broker.consume('tasks', { prefetch: 3 }, () => {})
  await consumer.setPrefetch(70_000)
  await consumer.close()
  const prefetches = tap.sent(60, 10).map((args) => ({ count: args.readUInt16BE(4), isGlobal: args[6] === 1 }))
  assert.deepEqual(prefetches, [
    { count: 3, isGlobal: false },
    { count: 0, isGlobal: false },
  ])
  const PASSIVE = 1
  const DURABLE_OR_EXCLUSIVE = 2 | 4
  const flags = tap.sent(50, 10).map((args) => args[3 + args[2]!]!)
  assert.ok(flags.length >= 2)
  for (const flag of flags) assert.ok((flag & PASSIVE) !== 0 || (flag & DURABLE_OR_EXCLUSIVE) !== 0)
  await broker.deleteQueue('tasks')
})

test('integers go out as 32 bits, wherever they are in the headers', async () => {
  await using tap = await AmqpTap.start(server.url)
  await using broker = open(tap.urlOf(server.url))
  await broker.connected()
  const headers = { small: int32(7), limits: [int32(600), null], deep: { clock: int32(129) } }
  await broker.publish(textMessage('nowhere', 'text', { headers }))
  const sent = Buffer.concat(tap.bytes)
  const typed = (before: string, value: number): Buffer => {
    const number = Buffer.alloc(4)
    number.writeInt32BE(value)
    return Buffer.concat([Buffer.from(before), Buffer.from('I'), number])
  }
  assert.ok(sent.includes(typed('small', 7)))
  assert.ok(sent.includes(typed('', 600)))
  assert.ok(sent.includes(typed('clock', 129)))
})

test('what was published before a close arrives, confirmed or not', async () => {
  await using reader = open()
  await reader.connected()
  await reader.declareQueue({ name: 'closing' })
  const writer = open()
  await writer.connected()
  const publishing = Array.from({ length: 3_000 }, (_, n) => writer.publish(textMessage('closing', `${n}`)))
  const events = Array.from({ length: 500 }, (_, n) =>
    writer.publish(textMessage('closing', `event ${n}`), { confirm: false }),
  )
  await writer[Symbol.asyncDispose]()
  await Promise.all([...publishing, ...events])
  // Not counted: RabbitMQ answers that before it has put everything in the queue that it has taken.
  const inbox = new Inbox()
  await reader.consume('closing', { prefetch: 0, noAck: true }, inbox.receive)
  await inbox.has(3_500)
  await reader.deleteQueue('closing')
})

test('a refusal hits the guilty call alone', async () => {
  await using broker = open()
  await broker.connected()
  await broker.declareQueue({ name: 'innocent' })
  await broker.declareExchange({ name: 'there', type: 'fanout', autoDelete: true })
  const inbox = new Inbox()
  await broker.consume('innocent', { prefetch: 0 }, inbox.receive)
  const innocent = Array.from({ length: 200 }, (_, n) => broker.publish(textMessage('innocent', `${n}`)))
  const guilty = [
    assert.rejects(broker.declareQueue({ name: 'innocent', arguments: { 'x-expires': 1000 } }), refusedWith(406)),
    assert.rejects(broker.declareExchange({ name: 'there', type: 'direct' }), refusedWith(406)),
    assert.rejects(broker.publish(textMessage('key', 'lost', { exchange: 'absent' })), refusedWith(404)),
    assert.rejects(broker.countQueue('absent'), refusedWith(404)),
    assert.rejects(
      broker.consume('absent', { prefetch: 1 }, () => {}),
      refusedWith(404),
    ),
    assert.rejects(
      broker.publish(textMessage('innocent', 'x', { headers: { large: 'x'.repeat(70_000) } })),
      refusedWith(502),
    ),
  ]
  const alsoInnocent = [broker.countQueue('innocent'), broker.declareQueue({ name: 'innocent' })]
  await Promise.all([...innocent, ...guilty, ...alsoInnocent])
  await inbox.has(200)
  assert.deepEqual(
    inbox.deliveries.map((delivery) => delivery.ack()),
    Array.from({ length: 200 }, () => true),
  )
  assert.equal(broker.isConnected, true)
  await broker.publish(textMessage('key', 'dropped', { exchange: 'there' }))
  await broker.deleteQueue('innocent')
})

test('of mandatory messages in flight together, those without a queue are refused and no others', async () => {
  await using broker = open()
  await broker.connected()
  await broker.declareQueue({ name: 'taken', exclusive: true })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 300 }, (_, n) =>
      broker.publish(textMessage(n % 3 === 0 ? 'nowhere' : 'taken', `${n % 7}`, { headers: { n: int32(n) } }), {
        mandatory: true,
      }),
    ),
  )
  for (const [n, outcome] of outcomes.entries()) {
    if (n % 3 !== 0) assert.equal(outcome.status, 'fulfilled')
    else assert.ok(outcome.status === 'rejected' && refusedWith(312)(outcome.reason))
  }
  assert.equal((await broker.countQueue('taken')).messages, 200)
})

test('a wrong password: no connection, one line in the log, and the password not in it', async () => {
  const wrong = 'not-the-password'
  const lines: string[] = []
  await using broker = open(Object.assign(new URL(server.url), { password: wrong }).href, lines)
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(broker.isConnected, false)
  await assert.rejects(broker.publish(textMessage('q', 'x')), BrokerUnavailable)
  await assert.rejects(broker.declareQueue({ name: 'q' }), BrokerUnavailable)
  await assert.rejects(broker.connected(AbortSignal.timeout(600)))
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /ACCESS_REFUSED/)
  assert.ok(!lines[0]!.includes(wrong))
})

test('a server that is not there is waited for; closing ends the wait', async () => {
  const broker = open('amqp://user:password@127.0.0.1:1')
  const waiting = assert.rejects(broker.connected(), BrokerUnavailable)
  await assert.rejects(broker.countQueue('q'), BrokerUnavailable)
  await broker[Symbol.asyncDispose]()
  await waiting
})

test('refusals of what AMQP cannot carry never reach the connection', async () => {
  await using broker = open()
  await broker.connected()
  for (const message of [
    textMessage('é'.repeat(128), 'x'),
    textMessage('q', 'x', { properties: { priority: 256 } }),
    textMessage('q', 'x', { properties: { expiration: '1.5' } }),
  ]) {
    await assert.rejects(broker.publish(message), BrokerRefused)
  }
  await assert.rejects(broker.declareQueue({ name: 'é'.repeat(128) }), BrokerRefused)
  await broker.publish(textMessage('q', 'x'))
})

test('a network that swallows everything is noticed by its silence', async () => {
  await using wire = await TcpInterposer.start(Number(new URL(server.url).port))
  const url = Object.assign(new URL(server.url), { port: `${wire.port}`, search: '?heartbeat=1' }).href
  const lines: string[] = []
  await using broker = open(url, lines)
  await broker.connected()
  await broker.declareQueue({ name: 'silent', exclusive: true })
  const consumer = await broker.consume('silent', { prefetch: 1 }, () => {})
  void wire.spoilNext('hang')
  await assert.rejects(broker.publish(textMessage('silent', 'x')), BrokerUnavailable)
  assert.equal(await consumer.ended, 'lost')
  await broker.connected()
  await broker.declareQueue({ name: 'silent-2', exclusive: true })
  assert.ok(lines.some((line) => line.includes('Heartbeat timeout')))
})
