import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemClock } from '#src/core/clock.ts'
import { systemTimers } from '#src/core/timers.ts'
import { DEAD_LETTERS } from '#src/modules/dead-letters/dead-letters.ts'
import type { Broker, Delivery } from '#src/ports/broker.ts'
import { ROOT } from '#test/support/processes.ts'
import { DEFINITIONS, importDefinitions } from '#test/support/real-system.ts'
import { type RabbitmqHost, rabbitmqHost } from '#test/support/shared-rabbitmq.ts'

const QUEUES = ['urgent', 'high_priority', 'normal', 'low_priority']

let host: RabbitmqHost
let broker: Broker
before(async () => {
  host = await rabbitmqHost()
  const definitions = readFileSync(join(ROOT, DEFINITIONS), 'utf8')
  // Twice, as at every deployment.
  for (let time = 0; time < 2; time += 1) {
    await importDefinitions(host, definitions.replaceAll('"samaconso"', JSON.stringify(host.virtualHost)))
  }
  broker = rabbitmqBroker({ url: host.url, log: createLogger('fatal'), name: 'test', timers: systemTimers })
  await broker.connected()
})
after(async () => {
  await broker?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

test('a client that declares the queues as Celery does is not refused', async () => {
  for (const queue of QUEUES) {
    await broker.declareExchange({ name: queue, type: 'direct' })
    assert.deepEqual(await broker.declareQueue({ name: queue }), { messages: 0, consumers: 0 })
    await broker.bindQueue(queue, queue, queue)
  }
})

test('what is rejected in any of the four queues lies among the dead letters, with its queue and its reason', async () => {
  const client = new CeleryClient({ broker, clock: systemClock })
  for (const queue of QUEUES) {
    const id = await client.sendTask({ task: 'nobody_knows_it', queue, kwargs: { n: 1 } })
    ;(await next(queue)).reject({ requeue: false })
    const dead = await next(DEAD_LETTERS)
    assert.equal(dead.headers['id'], id)
    const [death] = dead.headers['x-death'] as unknown as Record<string, unknown>[]
    assert.equal(death?.['queue'], queue)
    assert.equal(death['reason'], 'rejected')
    dead.ack()
  }
})

test('a message that is put back does not die', async () => {
  const client = new CeleryClient({ broker, clock: systemClock })
  await client.sendTask({ task: 'any', queue: 'normal' })
  ;(await next('normal')).reject({ requeue: true })
  const again = await next('normal')
  assert.equal(again.redelivered, true)
  again.ack()
  assert.equal((await broker.countQueue(DEAD_LETTERS)).messages, 0)
})

/** The next message of a queue. The test settles it, over the consumer that stays until the end. */
async function next(queue: string): Promise<Delivery> {
  const first = Promise.withResolvers<Delivery>()
  const consumer = await broker.consume(queue, { prefetch: 1 }, first.resolve)
  const delivery = await first.promise
  await consumer.stop()
  return delivery
}
