import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '#src/core/errors.ts'
import { formatPythonTime } from '#src/celery/python-time.ts'
import { defineTask, type TaskContext } from '#src/celery/task.ts'
import { type OutgoingMessage } from '#src/ports/broker.ts'
import { settled } from './virtual-time.ts'
import { anything, Gate, gated, workerBench } from './worker-bench.ts'

test('a task with an eta waits for it, without holding up others', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 1, prefetchMultiplier: 1 })
  await bench.worker.start()
  const inOneHour = new Date(bench.time.now() + 3_600_000)
  for (let n = 0; n < 50; n += 1) await bench.send('t', `later ${n}`, {}, { eta: inOneHour })
  await bench.send('t', 'now')
  await settled()
  assert.deepEqual(gate.entered, ['now'])
  assert.deepEqual(bench.worker.load, { running: 1, ready: 0, scheduled: 50 })
  await gate.open('now')
  await bench.time.pass(3_599_000)
  assert.equal(gate.entered.length, 1)
  await bench.time.pass(1_000)
  assert.equal(gate.entered[1], 'later 0')
  for (let n = 0; n < 50; n += 1) await gate.open(`later ${n}`)
  assert.equal(gate.entered.length, 51)
  assert.equal(await bench.ready(), 0)
})

test('an expired task is dropped, when it arrives and when its turn comes', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 1 })
  await bench.worker.start()
  await bench.send('t', 'running')
  await settled()
  await bench.send('t', 'waits too long', {}, { expires: new Date(bench.time.now() + 10_000) })
  await settled()
  await bench.time.pass(20_000)
  // Without the AMQP property, as one that a Python peer sent to a queue that does not drop it.
  const late = expiredMessage(formatPythonTime(bench.time.now() - 1))
  await bench.outside.publish(late)
  await gate.open('running')
  assert.deepEqual(gate.entered, ['running'])
  const revoked = bench.log.filter((line) => line.startsWith('revoked'))
  assert.deepEqual(revoked.toSorted(), ['revoked old expired', 'revoked waits too long expired'])
  assert.deepEqual(await bench.leftovers(), [])
})

test('a revoked task does not run, even one revoked while it waits', async () => {
  const gate = new Gate()
  const revoked = new Set(['at once'])
  await using bench = workerBench([gated(gate)], { concurrency: 1, isRevoked: ({ id }) => revoked.has(id) })
  await bench.worker.start()
  for (const id of ['running', 'at once', 'waiting']) await bench.send('t', id)
  await settled()
  revoked.add('waiting')
  await gate.open('running')
  assert.deepEqual(gate.entered, ['running'])
  assert.deepEqual(bench.log.slice(-2), ['succeeded running null', 'revoked waiting revoked'])
  assert.deepEqual(await bench.leftovers(), [])
})

test('an error that passes is retried with growing waits, as the same task', async () => {
  const tries: number[] = []
  const task = defineTask({
    name: 't',
    acksLate: true,
    maxRetries: 2,
    backoffMs: 10_000,
    parse: anything,
    handler: (_kwargs, { retries }) => {
      tries.push(retries)
      throw new AppError('push/unavailable', 'unavailable', { fr: 'Indisponible', en: 'Unavailable' })
    },
  })
  await using bench = workerBench([task])
  await bench.worker.start()
  await bench.send('t', '1', {}, { priority: 9, headers: { mine: 'kept' } })
  await settled()
  assert.deepEqual(tries, [0])
  await bench.time.pass(5_000)
  assert.deepEqual(tries, [0, 1])
  await bench.time.pass(9_999)
  assert.deepEqual(tries, [0, 1])
  await bench.time.pass(1)
  assert.deepEqual(tries, [0, 1, 2])
  await bench.time.pass(3_600_000)
  assert.deepEqual(tries, [0, 1, 2])
  assert.deepEqual(
    bench.log.filter((line) => /^(retried|failed)/.test(line)),
    [
      'retried 1 push/unavailable: Unavailable',
      'retried 1 push/unavailable: Unavailable',
      'failed 1 push/unavailable: Unavailable',
    ],
  )
  assert.deepEqual(await bench.leftovers(), [])
})

test('the message of a retry is the first with one retry more, an eta and itself as parent', async () => {
  const task = defineTask({
    name: 't',
    parse: anything,
    handler: (_kwargs, context: TaskContext) => context.retry({ delayMs: 90_000 }),
  })
  await using bench = workerBench([task])
  await bench.worker.start()
  const sentAt = bench.time.now()
  const expires = new Date(sentAt + 3_600_000)
  const details = {
    priority: 9,
    headers: { mine: 'kept' },
    hardLimitSeconds: 600,
    softLimitSeconds: 540,
    replyTo: 'me',
    expires,
  }
  await bench.send('t', '1', { text: 'Sénégal' }, details)
  await settled()
  const [left] = await bench.leftovers()
  assert.ok(left)
  const { envelope, kwargs } = left
  assert.deepEqual(kwargs, { text: 'Sénégal' })
  assert.deepEqual([envelope.id, envelope.retries, envelope.eta], ['1', 1, sentAt + 90_000])
  assert.deepEqual([envelope.parentId, envelope.rootId], ['1', '1'])
  assert.deepEqual([envelope.priority, envelope.replyTo, envelope.expires], [9, 'me', expires.getTime()])
  assert.deepEqual([envelope.hardLimitSeconds, envelope.softLimitSeconds], [600, 540])
  assert.deepEqual(envelope.customHeaders, { mine: 'kept' })
  assert.equal(envelope.origin, 'gen1@test')
})

test('a retry is told before the next try ends, also when its message is confirmed after', async () => {
  const confirmed = Promise.withResolvers<void>()
  const task = defineTask({
    name: 't',
    acksLate: true,
    parse: anything,
    handler: (_kwargs, { retries, retry }) => (retries === 0 ? retry({ cause: new Error('not yet') }) : 'done'),
  })
  await using bench = workerBench([task])
  const publish = bench.broker.publish.bind(bench.broker)
  bench.broker.publish = async (message, options) => {
    await publish(message, options)
    await confirmed.promise
  }
  await bench.worker.start()
  await bench.send('t', '1')
  await bench.time.pass(3_600_000)
  confirmed.resolve()
  await settled()
  assert.deepEqual(
    bench.log.filter((line) => /^(retried|succeeded)/.test(line)),
    ['retried 1 not yet', 'succeeded 1 "done"'],
  )
  assert.deepEqual(await bench.leftovers(), [])
})

test('a retry that cannot be published gives the message back', async () => {
  const gate = new Gate()
  const task = defineTask({
    name: 't',
    acksLate: true,
    parse: anything,
    handler: async (_kwargs, context) => {
      await gate.pass(`${context.taskId} ${context.redelivered}`)
      context.retry({ delayMs: 1_000 })
    },
  })
  const away = workerBench([]).outside
  away.dropConnection()
  await using bench = workerBench([task], { publisher: away })
  await bench.worker.start()
  await bench.send('t', '1')
  await settled()
  await gate.open('1 false')
  await bench.time.pass(1_000)
  assert.deepEqual(gate.entered, ['1 false', '1 true'])
  assert.ok(bench.log.includes('rejected 1 true'))
})

function expiredMessage(expires: string): OutgoingMessage {
  const properties = { contentType: 'application/json', contentEncoding: 'utf-8' }
  return {
    exchange: '',
    routingKey: 'q',
    properties,
    headers: { task: 't', id: 'old', expires },
    body: Buffer.from('[[], {}, {}]'),
  }
}
