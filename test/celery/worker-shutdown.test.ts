import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineTask } from '#src/celery/task.ts'
import { settled } from './virtual-time.ts'
import { anything, Gate, gated, workerBench } from './worker-bench.ts'

test('warm shutdown: what runs ends, what waits goes back at once and in order', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 1, prefetchMultiplier: 3 })
  await bench.worker.start()
  for (const id of ['a', 'b', 'c', 'd']) await bench.send('t', id)
  await bench.send('t', 'later', {}, { eta: new Date(bench.time.now() + 60_000) })
  await settled()
  const closing = bench.worker.close()
  assert.equal(await bench.ready(), 4)
  await gate.open('a', 'finished')
  await closing
  assert.equal(bench.log.at(-1), 'succeeded a "finished"')
  const left = await bench.leftovers()
  assert.deepEqual(
    left.map(({ envelope, redelivered }) => [envelope.id, redelivered]),
    [
      ['b', true],
      ['c', true],
      ['d', false],
      ['later', false],
    ],
  )
  assert.equal(bench.time.waiting, 0)
})

test('once it closes nothing new begins, while the broker still answers the stop', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 1 })
  const answer = Promise.withResolvers<void>()
  const consume = bench.broker.consume.bind(bench.broker)
  bench.broker.consume = async (...call) => {
    const consumer = await consume(...call)
    const stop = consumer.stop.bind(consumer)
    consumer.stop = () => answer.promise.then(stop)
    return consumer
  }
  await bench.worker.start()
  for (const id of ['a', 'b', 'c', 'd']) await bench.send('t', id)
  await settled()
  const closing = bench.worker.close()
  await gate.open('a')
  answer.resolve()
  await closing
  assert.deepEqual(gate.entered, ['a'])
  assert.deepEqual(
    (await bench.leftovers()).map(({ envelope }) => envelope.id),
    ['b', 'c', 'd'],
  )
})

test('closed while it starts it takes nothing', async () => {
  await using bench = workerBench([gated(new Gate())])
  await bench.send('t', 'a')
  const starting = bench.worker.start()
  await Promise.allSettled([bench.worker.close(), starting])
  assert.deepEqual(
    (await bench.leftovers()).map(({ envelope, redelivered }) => [envelope.id, redelivered]),
    [['a', false]],
  )
})

test('when the time to drain is over tasks are told, and their messages go back', async () => {
  const told: unknown[] = []
  const obeys = defineTask({
    name: 'obeys',
    acksLate: true,
    parse: anything,
    handler: (_kwargs, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          told.push((signal.reason as Error).name)
          reject(new Error('gave up'))
        }),
      ),
  })
  const deaf = defineTask({ name: 'deaf', acksLate: true, parse: anything, handler: () => new Promise(() => {}) })
  const early = defineTask({ name: 'early', parse: anything, handler: () => new Promise(() => {}) })
  await using bench = workerBench([obeys, deaf, early], { drainMs: 10_000, abortGraceMs: 1_000 })
  await bench.worker.start()
  for (const name of ['obeys', 'deaf', 'early']) await bench.send(name, name)
  await settled()
  const closing = bench.worker.close()
  await bench.time.pass(9_999)
  assert.deepEqual(told, [])
  await bench.time.pass(1)
  assert.deepEqual(told, ['WorkerShutdown'])
  await bench.time.pass(1_000)
  await closing
  assert.deepEqual(
    (await bench.leftovers()).map(({ envelope }) => envelope.id),
    ['obeys', 'deaf'],
  )
  assert.deepEqual(
    bench.log.filter((line) => line.startsWith('failed')),
    ['failed early the worker stopped'],
  )
})

test('closing twice, without a start, or while it starts is safe', async () => {
  await using never = workerBench([])
  await never.worker.close()
  await never.worker.close()
  await never.worker.start()
  assert.equal(never.broker.isConnected, true)
  await using starting = workerBench([])
  starting.broker.dropConnection()
  const started = assert.rejects(starting.worker.start())
  await starting.worker.close()
  await started
})
