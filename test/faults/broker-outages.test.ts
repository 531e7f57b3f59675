import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { type Broker, BrokerUnavailable, type Delivery } from '#src/ports/broker.ts'
import { textMessage } from '#test/conformance/broker-bench.ts'
import { startRabbitmq } from '#test/support/rabbitmq.ts'

const server = await startRabbitmq()
after(() => server.stop())

/** What has not come so long after the last confirm is taken for lost. */
const ARRIVAL_LIMIT_MS = 20_000

function open(name: string, lines: string[] = []): Broker {
  const log = createLogger('info', { write: (line) => void lines.push(line) })
  return rabbitmqBroker({ url: server.url, log, name, timers: systemTimers })
}

/** Publishes numbers until told to stop, each again and again until it is confirmed; returns how many were. */
async function publishThrough(broker: Broker, queue: string, stop: AbortSignal): Promise<number> {
  let next = 0
  const one = async (): Promise<void> => {
    while (!stop.aborted) {
      const text = `${next++}`
      for (let isConfirmed = false; !isConfirmed;) {
        try {
          await broker.connected()
          await broker.publish(textMessage(queue, text), { mandatory: true })
          isConfirmed = true
        } catch (error) {
          if (!(error instanceof BrokerUnavailable)) throw error
        }
      }
      // So that a minute of outage is not a minute of a million messages.
      await delay(1)
    }
  }
  await Promise.all(Array.from({ length: 20 }, one))
  return next
}

/** Consumes as a worker does: when a consumer ends, the next one. */
async function consumeThrough(broker: Broker, queue: string, seen: Set<string>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      await broker.connected(stop)
      const consumer = await broker.consume(queue, { prefetch: 50 }, (delivery: Delivery) => {
        seen.add(delivery.body.toString())
        delivery.ack()
      })
      const stopped = new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
      await Promise.race([consumer.ended, stopped])
      await consumer.close()
    } catch (error) {
      if (!(error instanceof BrokerUnavailable) && !stop.aborted) throw error
    }
  }
}

for (const [title, trouble] of [
  ['an operator closes every connection, three times', closeThrice],
  ['the broker is restarted', () => server.restart()],
  ['the broker is killed and started again', killAndStart],
] as const) {
  test(`under load, ${title}: nothing that was confirmed is lost`, async () => {
    const queue = `load-${crypto.randomUUID()}`
    await using writer = open('writer')
    await using reader = open('reader')
    await writer.connected()
    await writer.declareQueue({ name: queue })
    const [endOfWriting, endOfReading] = [new AbortController(), new AbortController()]
    const writing = publishThrough(writer, queue, endOfWriting.signal)
    const seen = new Set<string>()
    const reading = consumeThrough(reader, queue, seen, endOfReading.signal)
    await delay(300)
    await trouble()
    await writer.connected()
    await reader.connected()
    await delay(300)
    endOfWriting.abort()
    const confirmed = await writing
    assert.ok(confirmed > 100, `${confirmed} were confirmed`)
    const patience = AbortSignal.timeout(ARRIVAL_LIMIT_MS)
    while (seen.size < confirmed && !patience.aborted) await delay(20)
    endOfReading.abort()
    await reading
    const lost = Array.from({ length: confirmed }, (_, n) => `${n}`).filter((text) => !seen.has(text))
    assert.deepEqual(lost, [])
    await writer.deleteQueue(queue)
  })
}

async function closeThrice(): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    await server.closeConnections()
    await delay(200)
  }
}

async function killAndStart(): Promise<void> {
  await server.kill()
  await server.start()
}

test('a broker short of memory takes nothing: publishing waits, can be given up, and goes on after', async () => {
  const lines: string[] = []
  await using broker = open('blocked', lines)
  await broker.connected()
  await broker.declareQueue({ name: 'blocked' })
  await server.ctl('set_vm_memory_high_watermark', 'absolute', '1MB')
  // The first one after the alarm makes RabbitMQ say so, and waits.
  const waiting = broker.publish(textMessage('blocked', 'first'))
  while (!lines.some((line) => line.includes('takes no messages'))) await delay(5)
  const patience = new AbortController()
  const impatient = assert.rejects(
    broker.publish(textMessage('blocked', 'given up'), { signal: patience.signal }),
    /enough/,
  )
  const patient = broker.publish(textMessage('blocked', 'second'))
  patience.abort(new Error('enough'))
  await impatient
  await server.ctl('set_vm_memory_high_watermark', '0.4')
  await Promise.all([waiting, patient])
  assert.equal((await broker.countQueue('blocked')).messages, 2)
  await broker.deleteQueue('blocked')
})

test('closing does not wait for ever for a broker that takes nothing', async () => {
  const lines: string[] = []
  const broker = open('blocked', lines)
  await broker.connected()
  await broker.declareQueue({ name: 'blocked' })
  await server.ctl('set_vm_memory_high_watermark', 'absolute', '1MB')
  const unconfirmed = assert.rejects(broker.publish(textMessage('blocked', 'x')), BrokerUnavailable)
  while (!lines.some((line) => line.includes('takes no messages'))) await delay(5)
  await broker[Symbol.asyncDispose]()
  await unconfirmed
  await server.ctl('set_vm_memory_high_watermark', '0.4')
})
