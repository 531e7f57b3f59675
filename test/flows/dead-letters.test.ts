import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryBroker } from '#src/adapters/broker/memory.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { systemClock } from '#src/core/clock.ts'
import {
  DEAD_LETTERS,
  dropDeadLetters,
  replayDeadLetters,
  visitDeadLetters,
} from '#src/modules/dead-letters/dead-letters.ts'
import { type Broker, BrokerUnavailable } from '#src/ports/broker.ts'

const EXCHANGE = 'samaconso.dead'

/** A queue whose refused messages are kept, with some that were refused. */
async function withDead(...ids: readonly string[]): Promise<Broker> {
  const broker = memoryBroker().connect()
  await broker.declareExchange({ name: EXCHANGE, type: 'fanout' })
  await broker.declareQueue({ name: DEAD_LETTERS })
  await broker.bindQueue(DEAD_LETTERS, EXCHANGE, '')
  await broker.declareQueue({ name: 'normal', arguments: { 'x-dead-letter-exchange': EXCHANGE } })
  const client = new CeleryClient({ broker: celeryView(broker), clock: systemClock })
  const consumer = await broker.consume('normal', { prefetch: 0 }, (delivery) => delivery.reject({ requeue: false }))
  for (const id of ids) await client.sendTask({ id, task: 'any', queue: 'normal' })
  while ((await broker.countQueue(DEAD_LETTERS)).messages < ids.length) await new Promise(setImmediate)
  await consumer.close()
  return broker
}

/** In production a policy makes the difference to the queue that Celery declares; here it is an argument. */
function celeryView(broker: Broker): Broker {
  return withChanged(broker, { declareQueue: async () => ({ messages: 0, consumers: 0 }) })
}

function withChanged(broker: Broker, changed: Partial<Broker>): Broker {
  return new Proxy(broker, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function idsIn(broker: Broker, queue: string): Promise<string[]> {
  const { messages } = await broker.countQueue(queue)
  const ids: string[] = []
  const consumer = await broker.consume(queue, { prefetch: 0 }, ({ headers }) => void ids.push(headers['id'] as string))
  while (ids.length < messages) await new Promise(setImmediate)
  await consumer.close()
  return ids
}

test('looking changes nothing, not even the order', async () => {
  await using broker = await withDead('a', 'b', 'c')
  for (let time = 0; time < 2; time += 1) {
    const seen: string[] = []
    await visitDeadLetters(broker, ({ id, queue, reason }) => void seen.push(`${id} ${queue} ${reason}`))
    assert.deepEqual(seen, ['a normal rejected', 'b normal rejected', 'c normal rejected'])
  }
})

test('what is replayed is as new: without its deaths, in its own queue', async () => {
  await using broker = await withDead('a', 'b')
  const { replayed, failed } = await replayDeadLetters(broker, ({ id }) => id === 'b')
  assert.deepEqual([replayed.map(({ id }) => id), failed], [['b'], []])
  assert.deepEqual(await idsIn(broker, DEAD_LETTERS), ['a'])
  const first = Promise.withResolvers<readonly string[]>()
  await broker.consume('normal', { prefetch: 1 }, ({ headers }) => first.resolve(Object.keys(headers)))
  const names = await first.promise
  assert.ok(names.includes('task') && !names.some((name) => name.startsWith('x-')), names.join())
})

test('what the queue does not confirm stays among the dead letters', async () => {
  await using broker = await withDead('a', 'b')
  const publish: Broker['publish'] = async (message) => {
    if (message.headers['id'] === 'a') throw new BrokerUnavailable('lost before the confirm')
  }
  const { replayed, failed } = await replayDeadLetters(withChanged(broker, { publish }), () => true)
  assert.deepEqual([replayed.map(({ id }) => id), failed.map(({ letter }) => letter.id)], [['b'], ['a']])
  assert.deepEqual(await idsIn(broker, DEAD_LETTERS), ['a'])
})

test('a replay that ends between the confirm and the rest leaves the letter in both places', async () => {
  const broker = await withDead('a')
  const publish: Broker['publish'] = async (message, options) => {
    await broker.publish(message, options)
    throw new Error('killed here')
  }
  await replayDeadLetters(withChanged(broker, { publish }), () => true)
  assert.deepEqual([await idsIn(broker, DEAD_LETTERS), await idsIn(broker, 'normal')], [['a'], ['a']])
  await broker[Symbol.asyncDispose]()
})

test('what dies again at once is not replayed for ever', async () => {
  await using broker = await withDead('a', 'b', 'c')
  await broker.consume('normal', { prefetch: 1 }, (delivery) => delivery.reject({ requeue: false }))
  const { replayed } = await replayDeadLetters(broker, () => true)
  assert.deepEqual(replayed.map(({ id }) => id).toSorted(), ['a', 'b', 'c'])
})

test('only the chosen are dropped', async () => {
  await using broker = await withDead('a', 'b', 'c')
  const dropped = await dropDeadLetters(broker, new Set(['b', 'x']))
  assert.deepEqual(
    dropped.map(({ id }) => id),
    ['b'],
  )
  assert.deepEqual(await idsIn(broker, DEAD_LETTERS), ['a', 'c'])
})
