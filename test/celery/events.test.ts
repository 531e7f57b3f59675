import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { CeleryClient } from '#src/celery/client.ts'
import { EventDispatcher } from '#src/celery/events/event-dispatcher.ts'
import { taskSentEvents } from '#src/celery/events/task-sent.ts'
import { LamportClock } from '#src/celery/lamport-clock.ts'
import { RejectTask } from '#src/celery/outcome.ts'
import { PythonException } from '#src/celery/python-exception.ts'
import { defineTask } from '#src/celery/task.ts'
import { createLogger } from '#src/core/logger.ts'
import { nodeBench } from './node-bench.ts'
import { settled, VirtualTime } from './virtual-time.ts'
import { anything } from './worker-bench.ts'

interface CapturedEvent {
  readonly routing_key: string
  readonly body: Record<string, unknown> | Record<string, unknown>[]
}

const { data } = JSON.parse(readFileSync(new URL('../data/celery/02-events.json', import.meta.url), 'utf8')) as {
  data: CapturedEvent[]
}
/** The fields of each type, as Celery 5.6.3 sends them. */
const captured = new Map<string, Record<string, unknown>>()
for (const { body } of data) {
  for (const event of [body].flat())
    if (!captured.has(String(event['type']))) captured.set(String(event['type']), event)
}

const tasks = [
  defineTask({ name: 'done', parse: anything, positional: ['a', 'b'], handler: () => 'ok' }),
  defineTask({
    name: 'fails',
    parse: anything,
    handler: () => {
      throw new PythonException('ValueError', ['bad thing', 42])
    },
  }),
  defineTask({
    name: 'retries',
    parse: anything,
    handler: (_kwargs, { retry }) => retry({ cause: new TypeError('later') }),
  }),
  defineTask({
    name: 'rejects',
    acksLate: true,
    parse: anything,
    handler: () => {
      throw new RejectTask('no', { requeue: false })
    },
  }),
]

suite('events', () => {
  test('every step is told with the fields that Celery gives it', async () => {
    await using bench = nodeBench(tasks)
    await bench.listen()
    await bench.startNode()
    await bench.send('done', '1', ['x', null])
    for (const task of ['fails', 'retries', 'rejects', 'absent']) await bench.send(task, task)
    await bench.send('done', 'late', [], { expires: new Date(bench.time.now() - 1) })
    await bench.time.pass(2_000)
    const told = new Map(bench.events.map((event) => [String(event.body['type']), event]))
    for (const type of told.keys()) {
      const fields = Object.keys(told.get(type)?.body ?? {}).toSorted()
      if (type !== 'task-failed') assert.deepEqual(fields, Object.keys(captured.get(type) ?? {}).toSorted(), type)
    }
    assert.deepEqual([...told.keys()].toSorted(), [
      'task-failed',
      'task-received',
      'task-rejected',
      'task-retried',
      'task-revoked',
      'task-started',
      'task-succeeded',
      'worker-heartbeat',
      'worker-online',
    ])
    const of = (uuid: string, type: string) =>
      bench.events.find(({ body }) => body['uuid'] === uuid && body['type'] === type)?.body ?? {}
    assert.equal(of('1', 'task-received')['args'], "('x', None)")
    assert.equal(of('1', 'task-succeeded')['result'], "'ok'")
    assert.equal(of('fails', 'task-failed')['exception'], "ValueError('bad thing', 42)")
    assert.deepEqual(Object.keys(of('absent', 'task-failed')).includes('traceback'), false)
    assert.equal(of('absent', 'task-failed')['exception'], "NotRegistered('absent')")
    assert.equal(of('late', 'task-revoked')['expired'], true)
  })

  test('task events travel in lists, worker events alone, all under the node’s name', async () => {
    await using bench = nodeBench(tasks)
    await bench.listen()
    await bench.startNode()
    for (let n = 0; n < 30; n += 1) await bench.send('done', `${n}`)
    await bench.time.pass(2_000)
    for (const { body, wasBatched, routingKey, headers, properties } of bench.events) {
      const isTask = String(body['type']).startsWith('task-')
      assert.equal(wasBatched, isTask)
      assert.equal(routingKey, isTask ? 'task.multi' : String(body['type']).replace('-', '.'))
      assert.deepEqual([headers['hostname'], body['hostname']], ['worker1@test', 'worker1@test'])
      assert.equal(properties.deliveryMode, 1)
    }
    const clocks = bench.events.map(({ body }) => Number(body['clock']))
    assert.deepEqual(
      clocks,
      clocks.toSorted((a, b) => a - b),
      'in the order of their clock',
    )
    assert.equal(new Set(clocks).size, clocks.length)
  })

  test('task events are turned on and off, worker events stay', async () => {
    await using bench = nodeBench(tasks, { events: false })
    await bench.listen()
    await bench.startNode()
    const told = async (id: string): Promise<number> => {
      await bench.send('done', id)
      await settled()
      return bench.events.filter(({ body }) => body['uuid'] === id).length
    }
    assert.equal(await told('off'), 0)
    assert.deepEqual(await bench.askOne('enable_events'), { ok: 'task events enabled' })
    assert.deepEqual(await bench.askOne('enable_events'), { ok: 'task events already enabled' })
    assert.equal(await told('on'), 3)
    assert.deepEqual(await bench.askOne('disable_events'), { ok: 'task events disabled' })
    assert.deepEqual(await bench.askOne('disable_events'), { ok: 'task events already disabled' })
    assert.equal(await told('off again'), 0)
    await bench.time.pass(2_000)
    assert.equal(bench.events.at(-1)?.body['type'], 'worker-heartbeat')
  })

  test('a heart beats every two seconds, at once when asked, and its last word is the last', async () => {
    const bench = nodeBench(tasks)
    await bench.listen()
    const { node } = await bench.startNode()
    await bench.time.pass(6_000)
    await bench.askOne('heartbeat')
    await bench.send('done', '1')
    const closed = node.close()
    await bench.time.pass(60_000)
    await closed
    const ofWorker = bench.events.map(({ body }) => String(body['type'])).filter((type) => type.startsWith('worker-'))
    assert.deepEqual(ofWorker, [
      'worker-online',
      ...Array.from({ length: 4 }, () => 'worker-heartbeat'),
      'worker-offline',
    ])
    assert.equal(bench.events.at(-1)?.body['type'], 'worker-offline')
    await bench[Symbol.asyncDispose]()
  })

  test('after the broker was away the node says again that it is there', async () => {
    await using bench = nodeBench(tasks)
    await bench.listen()
    const { broker } = await bench.startNode()
    await bench.time.pass(2_000)
    broker.dropConnection()
    await bench.time.pass(4_000)
    const before = bench.events.length
    broker.restoreConnection()
    await bench.time.pass(4_000)
    assert.deepEqual(
      bench.events.slice(before).map(({ body }) => body['type']),
      ['worker-online', 'worker-heartbeat'],
    )
  })
})

test('a client tells what it sends, one event at a time', async () => {
  await using bench = nodeBench([])
  await bench.listen()
  const shared = { node: 'gen1@test', clock: new LamportClock(), timers: bench.time, log: createLogger('silent') }
  const dispatcher = new EventDispatcher({ ...shared, broker: bench.outside })
  const onSent = taskSentEvents(dispatcher)
  const client = new CeleryClient({ broker: bench.outside, clock: bench.time.now, onSent })
  await client.sendTask({ task: 't', queue: 'q', id: 'a', args: [2, 3] })
  await client.sendTask({ task: 't', queue: 'q', id: 'b' })
  await settled()
  assert.deepEqual(
    bench.events.map(({ body, routingKey, wasBatched }) => [body['uuid'], routingKey, wasBatched]),
    [
      ['a', 'task.sent', false],
      ['b', 'task.sent', false],
    ],
  )
  assert.deepEqual(
    Object.keys(bench.events[0]?.body ?? {}).toSorted(),
    Object.keys(captured.get('task-sent') ?? {}).toSorted(),
  )
})

test('while the broker is away events wait, and the oldest go when there are too many', async () => {
  const bench = nodeBench([])
  await bench.listen()
  const broker = bench.server.connect()
  const timers = new VirtualTime()
  const log = createLogger('silent')
  const dispatcher = new EventDispatcher({ broker, node: 'a@b', clock: new LamportClock(), timers, log })
  broker.dropConnection()
  for (let n = 0; n < 10_050; n += 1) dispatcher.send('task-started', { uuid: n })
  await settled()
  assert.equal(dispatcher.dropped, 50)
  broker.restoreConnection()
  for (let waits = 0; bench.events.length < 10_000 && waits < 500; waits += 1) await settled()
  assert.deepEqual(
    [bench.events.length, bench.events[0]?.body['uuid'], bench.events.at(-1)?.body['uuid']],
    [10_000, 50, 10_049],
  )
  await broker[Symbol.asyncDispose]()
  await bench[Symbol.asyncDispose]()
})
