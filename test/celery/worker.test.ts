import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineTask } from '#src/celery/task.ts'
import { type OutgoingMessage } from '#src/ports/broker.ts'
import { settled } from './virtual-time.ts'
import { Gate, gated, workerBench } from './worker-bench.ts'

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
    'failed unknown no task absent.task is known here',
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
