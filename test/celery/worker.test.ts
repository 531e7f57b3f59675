import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '#src/core/errors.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { formatPythonTime } from '#src/celery/python-time.ts'
import { defineTask, type TaskContext } from '#src/celery/task.ts'
import { BrokerRefused, type OutgoingMessage } from '#src/ports/broker.ts'
import { settled } from './virtual-time.ts'
import { Gate, workerBench } from './worker-bench.ts'

const anything = (kwargs: Readonly<Record<string, unknown>>) => kwargs

function gated(gate: Gate, acksLate = true) {
  return defineTask({ name: 't', acksLate, parse: anything, handler: (_kwargs, { taskId }) => gate.pass(taskId) })
}

test('a handler gets its checked arguments and knows its call', async () => {
  const seen: unknown[] = []
  const task = defineTask({
    name: 't',
    positional: ['a', 'b'],
    parse: ({ a, b, c }) => ({ a: Number(a), b: String(b), c }),
    handler: (kwargs, { taskId, retries, redelivered, envelope }) => {
      seen.push(kwargs, { taskId, retries, redelivered, root: envelope.rootId, parent: envelope.parentId })
    },
  })
  await using bench = workerBench([task])
  await bench.worker.start()
  const parent = { taskId: 'p', rootId: 'r' }
  await bench.client.sendTask({
    task: 't',
    queue: 'q',
    id: '1',
    args: [1, 'x'],
    kwargs: { c: null },
    retries: 2,
    parent,
  })
  await settled()
  assert.deepEqual(seen, [
    { a: 1, b: 'x', c: null },
    { taskId: '1', retries: 2, redelivered: false, root: 'r', parent: 'p' },
  ])
})

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

test('a revoked task does not run, even one revoked while it waits', async () => {
  const gate = new Gate()
  const revoked = new Set(['at once'])
  await using bench = workerBench([gated(gate)], { concurrency: 1, isRevoked: (id) => revoked.has(id) })
  await bench.worker.start()
  for (const id of ['running', 'at once', 'waiting']) await bench.send('t', id)
  await settled()
  revoked.add('waiting')
  await gate.open('running')
  assert.deepEqual(gate.entered, ['running'])
  assert.deepEqual(bench.log.slice(-2), ['succeeded running undefined', 'revoked waiting revoked'])
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

test('the more urgent queue goes first, and its kept slot is free in a flood', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], {
    queues: ['urgent', 'high_priority'],
    concurrency: 2,
    reserve: { queue: 'urgent', slots: 1 },
  })
  await bench.worker.start()
  for (let n = 0; n < 20; n += 1) await bench.send('t', `h${n}`, {}, { queue: 'high_priority' })
  await settled()
  assert.deepEqual(gate.entered, ['h0'])
  for (let n = 0; n < 3; n += 1) await bench.send('t', `u${n}`, {}, { queue: 'urgent' })
  await settled()
  assert.deepEqual(gate.entered, ['h0', 'u0'])
  await gate.open('h0')
  assert.deepEqual(gate.entered, ['h0', 'u0', 'u1'])
  await gate.open('u0')
  await gate.open('u1')
  assert.deepEqual(gate.entered, ['h0', 'u0', 'u1', 'u2', 'h1'])
})

test('no more than the prefetch is taken from a queue', async () => {
  const gate = new Gate()
  await using bench = workerBench([gated(gate)], { concurrency: 2, prefetchMultiplier: 2 })
  await bench.worker.start()
  for (let n = 0; n < 10; n += 1) await bench.send('t', `${n}`)
  assert.equal(await bench.ready(), 6)
  assert.deepEqual(bench.worker.load, { running: 2, ready: 2, scheduled: 0 })
})

test('poison messages are dropped with a word, and harm nobody', async () => {
  const gate = new Gate()
  const strict = defineTask({
    name: 'strict',
    parse: ({ id }) => {
      if (typeof id !== 'string') throw new Error('id must be text')
      return { id }
    },
    handler: () => 'ok',
  })
  await using bench = workerBench([gated(gate), strict])
  await bench.worker.start()
  const json = { contentType: 'application/json', contentEncoding: 'utf-8' }
  const raw = (body: string, headers: OutgoingMessage['headers'], properties: OutgoingMessage['properties'] = json) =>
    bench.outside.publish({ exchange: '', routingKey: 'q', properties, headers, body: Buffer.from(body) })
  await raw('hello', {})
  await raw('{}', {})
  await raw('[[], {}]', { task: 't', id: 'short' })
  await raw('[[], {}, {}]', { task: 't', id: 'untyped' }, {})
  await raw('[[], [], {}]', { task: 't', id: 'list' })
  await raw('[[], {}, {}]', { task: 't', id: 'eta', eta: 'soon' })
  await bench.send('absent.task', 'unknown')
  await bench.send('strict', 'wrong', { id: 5 })
  await bench.client.sendTask({ task: 'strict', queue: 'q', id: 'positional', args: ['a'] })
  await bench.send('strict', 'right', { id: 'a' })
  await settled()
  assert.deepEqual(bench.log.filter((line) => !/^(received|started)/.test(line)).toSorted(), [
    'failed positional strict takes 0 positional arguments, not 1',
    "failed unknown 'absent.task'",
    'failed wrong strict does not take these arguments',
    'succeeded right "ok"',
    'unreadable malformed',
    'unreadable malformed',
    'unreadable malformed',
    'unreadable not_a_task',
    'unreadable undecodable',
    'unreadable unsupported',
  ])
  assert.deepEqual(await bench.leftovers(), [])
})

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

test('an observer that throws changes nothing, and a slow one is waited for before the ack', async () => {
  const gate = new Gate()
  const stored = Promise.withResolvers<void>()
  const observers = [
    { received: () => Promise.reject(new Error('observer')), succeeded: () => stored.promise },
    {
      started: () => {
        throw new Error('observer')
      },
    },
  ]
  await using bench = workerBench([gated(gate)], { observers })
  await bench.worker.start()
  await bench.send('t', 'a')
  await settled()
  await gate.open('a')
  assert.equal(bench.worker.load.running, 1)
  bench.broker.dropConnection()
  assert.equal(await bench.ready(), 1, 'not acknowledged before it was stored')
  bench.broker.restoreConnection()
  stored.resolve()
  await settled()
  await gate.open('a')
})

test('a task sent to a queue that was deleted since is not lost', async () => {
  await using bench = workerBench([])
  await bench.send('t', '1')
  await bench.outside.deleteQueue('q')
  await bench.send('t', '2')
  assert.equal(await bench.ready(), 1)
})

test('a send can be told to stop waiting', async () => {
  await using bench = workerBench([])
  const patience = AbortSignal.abort(new Error('enough'))
  await assert.rejects(bench.client.sendTask({ task: 't', queue: 'q' }, { signal: patience }), /enough/)
  assert.equal(await bench.ready(), 0)
})

test('a declare that failed is tried again by the next send', async () => {
  await using bench = workerBench([])
  const client = new CeleryClient({ broker: bench.outside, clock: bench.time.now })
  bench.outside.dropConnection()
  await assert.rejects(client.sendTask({ task: 't', queue: 'q' }))
  bench.outside.restoreConnection()
  assert.match(await client.sendTask({ task: 't', queue: 'q' }), /^[0-9a-f-]{36}$/)
  assert.equal(await bench.ready(), 1)
})
