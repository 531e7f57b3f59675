import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { redisEventBus } from '#src/adapters/event-bus/redis.ts'
import { createLogger } from '#src/core/logger.ts'
import { Ear, eventBusConformance } from '#test/conformance/event-bus.ts'
import { startRedis } from '#test/support/redis.ts'

const server = await startRedis()
after(() => server[Symbol.asyncDispose]())

const log = createLogger('silent')

/** Both connections are made in the background: until they are there, what is published is lost. */
async function opened(url = server.url) {
  const bus = redisEventBus({ url, log })
  const [ear, channel] = [new Ear(), crypto.randomUUID()]
  using _subscription = bus.subscribe(channel, ear)
  await ear.listening()
  while (ear.events.length === 0) {
    await bus.publish(channel, 'are you there?')
    await delay(5)
  }
  return bus
}

eventBusConformance('Redis', async () => {
  const [bus, peer] = await Promise.all([opened(), opened()])
  return { bus, peer }
})

test('Redis killed: publishing goes on without it, and listeners are told when events arrive again', async () => {
  await using bus = await opened()
  const ear = new Ear()
  bus.subscribe('outage', ear)
  await ear.listening()
  await server.kill()
  await bus.publish('outage', 'lost')
  const late = new Ear()
  bus.subscribe('outage', late)
  assert.equal(late.timesListening, 0)
  await server.start()
  await Promise.all([ear.listening(2), late.listening()])
  while (!ear.events.includes('back')) {
    await bus.publish('outage', 'back')
    await delay(5)
  }
  assert.ok(!ear.events.includes('lost'))
  await late.heard('back')
})

test('its connection cut by an operator: the listener is told, once per loss', async () => {
  await using bus = await opened()
  await using operator = client()
  await operator.redis.connect()
  const ear = new Ear()
  bus.subscribe('cut', ear)
  await ear.listening()
  for (const times of [2, 3]) {
    await operator.redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await ear.listening(times)
    assert.equal(ear.timesListening, times)
  }
})

test('never there: publishing and ending return, nothing is heard', async () => {
  await using bus = redisEventBus({ url: 'redis://127.0.0.1:1/0', log })
  const ear = new Ear()
  const subscription = bus.subscribe('nowhere', ear)
  await bus.publish('nowhere', 'lost')
  subscription[Symbol.dispose]()
  assert.deepEqual([ear.events, ear.timesListening], [[], 0])
})

function client() {
  const redis = createClient({ url: server.url })
  redis.on('error', () => {})
  return { redis, [Symbol.asyncDispose]: async () => redis.destroy() }
}
