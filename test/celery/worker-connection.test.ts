import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerRefused } from '#src/ports/broker.ts'
import { settled } from './virtual-time.ts'
import { Gate, gated, workerBench } from './worker-bench.ts'

test('a connection lost in mid-task: waiting tasks are forgotten, the late ack is void, all come again', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 1, prefetchMultiplier: 3 })
  await bench.worker.start()
  for (const id of ['a', 'b']) await bench.send('t', id)
  await bench.send('t', 'later', {}, { eta: new Date(bench.time.now() + 60_000) })
  await settled()
  assert.deepEqual(bench.worker.load, { running: 1, ready: 1, scheduled: 1 })
  bench.broker.dropConnection()
  await settled()
  assert.deepEqual(bench.worker.load, { running: 1, ready: 0, scheduled: 0 })
  await gate.open('a', 'first')
  assert.equal(await bench.ready(), 3)
  bench.broker.restoreConnection()
  await settled()
  assert.deepEqual(gate.entered, ['a', 'a'])
  await gate.open('a', 'second')
  await gate.open('b')
  await bench.time.pass(60_000)
  await gate.open('later')
  assert.deepEqual(gate.entered, ['a', 'a', 'b', 'later'])
  assert.deepEqual(
    bench.log.filter((line) => line.startsWith('succeeded a')),
    ['succeeded a "first"', 'succeeded a "second"'],
  )
  assert.deepEqual(await bench.leftovers(), [])
})

test('with early ack a lost connection does not run the task twice', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate, false)])
  await bench.worker.start()
  await bench.send('t', 'a')
  await settled()
  bench.broker.dropConnection()
  bench.broker.restoreConnection()
  await settled()
  await gate.open('a')
  assert.deepEqual(gate.entered, ['a'])
  assert.deepEqual(await bench.leftovers(), [])
})

test('with early ack a task whose delivery is dead does not run: it comes again', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate, false)])
  const consume = bench.broker.consume.bind(bench.broker)
  bench.broker.consume = (queue, options, onMessage) =>
    consume(queue, options, (delivery) => onMessage({ ...delivery, ack: () => false }))
  await bench.worker.start()
  await bench.send('t', 'a')
  await settled()
  assert.deepEqual(gate.entered, [])
  assert.deepEqual(bench.log, ['received a'])
})

test('a deleted queue is declared and consumed again', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)])
  await bench.worker.start()
  await bench.outside.deleteQueue('q')
  await settled()
  await bench.send('t', 'a')
  await settled()
  assert.deepEqual(gate.entered, ['a'])
  await gate.open('a')
})

test('a worker started while the broker is away begins when it is back', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)])
  bench.broker.dropConnection()
  const starting = bench.worker.start()
  await bench.send('t', 'a')
  await settled()
  bench.broker.restoreConnection()
  await starting
  await settled()
  assert.deepEqual(gate.entered, ['a'])
  await gate.open('a')
})

test('a queue that is declared otherwise stops the start', async () => {
  await using bench = workerBench([])
  await bench.outside.declareQueue({ name: 'q', durable: false })
  await assert.rejects(bench.worker.start(), (error) => error instanceof BrokerRefused && error.code === 406)
})
