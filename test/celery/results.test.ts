import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { memoryResults } from '#src/adapters/results/memory.ts'
import { AppError } from '#src/core/errors.ts'
import { createLogger } from '#src/core/logger.ts'
import { IgnoreTask } from '#src/celery/outcome.ts'
import { PythonException } from '#src/celery/python-exception.ts'
import { PatientResults } from '#src/celery/results/patient-results.ts'
import { decodeResult, encodeResult, isSuccessText } from '#src/celery/results/result-text.ts'
import { taskStatus } from '#src/celery/results/task-status.ts'
import { ResultTimeout, waitForResult } from '#src/celery/results/wait-for-result.ts'
import { defineTask } from '#src/celery/task.ts'
import { nodeBench } from './node-bench.ts'
import { settled, VirtualTime } from './virtual-time.ts'
import { anything, Gate, gated } from './worker-bench.ts'

interface Stored {
  readonly value: Record<string, unknown>
}

const { data } = JSON.parse(readFileSync(new URL('../data/celery/04-redis.json', import.meta.url), 'utf8')) as {
  data: Record<string, unknown>
}
const scenarios = data['meta_by_scenario(5.6.3, every SETEX in order)'] as Record<string, Stored[]>
const captured = Object.entries(scenarios).flatMap(([name, stored]) =>
  stored.map(({ value }) => [`${name} ${String(value['status'])}`, value] as const),
)
const stored = (scenario: string): Record<string, unknown> => scenarios[scenario]?.at(-1)?.value ?? {}

suite('captured results are read and written the same', () => {
  for (const [name, value] of captured) {
    test(name, () => {
      const record = decodeResult(JSON.stringify(value))
      assert.ok(record)
      const written = JSON.parse(encodeResult(record)) as Record<string, unknown>
      const doneAt = (result: Record<string, unknown>) => String(result['date_done']).slice(0, 23)
      assert.deepEqual({ ...written, date_done: doneAt(written) }, { ...value, date_done: doneAt(value) })
      assert.deepEqual(Object.keys(written), Object.keys(value), 'in Celery’s order')
      assert.equal(isSuccessText(JSON.stringify(value)), value['status'] === 'SUCCESS')
    })
  }

  test('there are as many as were recorded', () => assert.ok(captured.length > 40))
})

const throwing = (name: string, error: () => unknown) =>
  defineTask({
    name,
    parse: anything,
    handler: () => {
      throw error()
    },
  })

const tasks = [
  defineTask({
    name: 'capp.add',
    positional: ['a', 'b'],
    parse: anything,
    handler: ({ a, b }) => Number(a) + Number(b),
  }),
  throwing('capp.boom', () => new PythonException('ValueError', ['bad thing', 42])),
  throwing('capp.ign', () => new IgnoreTask('nothing')),
  throwing('plain', () => new Error('plain')),
  throwing('range', () => new RangeError('far')),
  throwing('type', () => new TypeError('no function')),
  throwing('text', () => 'just text'),
  throwing('app', () => new AppError('a/b', 'conflict', { fr: 'Non', en: 'No' })),
  throwing('cause', () => new Error('outer', { cause: new Error('inner') })),
  defineTask({ name: 'nothing', parse: anything, handler: () => undefined }),
  defineTask({ name: 'nan', parse: anything, handler: () => [Number.NaN] }),
  defineTask({ name: 'silent', ignoreResult: true, parse: anything, handler: () => 1 }),
  defineTask({
    name: 'flaky',
    parse: anything,
    handler: (_kwargs, { retries, retry }) =>
      retries === 0 ? retry({ cause: new PythonException('RuntimeError', ['flaky 0']) }) : 'ok',
  }),
  defineTask({
    name: 'progress',
    parse: anything,
    handler: async (_kwargs, { updateState, noteChild }) => {
      noteChild('child')
      await updateState('PROGRESS', { cur: 1, tot: 2 })
      return 'done'
    },
  }),
]

suite('what a node stores', () => {
  const run = async (task: string, args: readonly unknown[] = [], more: object = {}) => {
    await using bench = nodeBench(tasks)
    await bench.startNode({ resultOptions: { trackStarted: true } })
    await bench.send(task, 'id', args, more)
    await settled()
    return JSON.parse((await bench.results.read('id')) ?? '{}') as Record<string, unknown>
  }
  /** But for who, when and where. */
  const comparable = (result: Record<string, unknown>) => ({ ...result, task_id: '', date_done: '', traceback: '' })

  test('is what Celery stores', async () => {
    assert.deepEqual(comparable(await run('capp.add', [2, 3])), comparable(stored('add')))
    assert.deepEqual(comparable(await run('capp.boom')), comparable(stored('boom')))
    assert.deepEqual(comparable(await run('no.such.task')), comparable(stored('unknown')))
    const expired = await run('capp.add', [1, 1], { expires: new Date(0) })
    assert.deepEqual(comparable(expired), comparable(stored('expired')))
    const started = await run('capp.ign')
    assert.deepEqual([started['status'], started['date_done']], ['STARTED', null])
    assert.deepEqual(started['result'], { pid: process.pid, hostname: 'worker1@test' })
  })

  test('errors have a type, a list of arguments and a module that no client has imported', async () => {
    const errorOf = async (task: string) => (await run(task))['result']
    assert.deepEqual(await errorOf('plain'), { exc_type: 'Error', exc_message: ['plain'], exc_module: 'node.errors' })
    assert.deepEqual(await errorOf('range'), {
      exc_type: 'RangeError',
      exc_message: ['far'],
      exc_module: 'node.errors',
    })
    assert.deepEqual(await errorOf('type'), {
      exc_type: 'TypeError',
      exc_message: ['no function'],
      exc_module: 'builtins',
    })
    assert.deepEqual(await errorOf('text'), {
      exc_type: 'Error',
      exc_message: ['just text'],
      exc_module: 'node.errors',
    })
    assert.deepEqual(await errorOf('app'), {
      exc_type: 'AppError',
      exc_message: ['a/b', 'No'],
      exc_module: 'node.errors',
    })
    assert.deepEqual(await errorOf('nan'), {
      exc_type: 'EncodeError',
      exc_message: ['the result is no JSON'],
      exc_module: 'kombu.exceptions',
    })
    assert.match(String((await run('cause'))['traceback']), /Error: outer[^]*Caused by: Error: inner/)
    assert.equal((await run('nothing'))['result'], null)
  })

  test('children and states of the task’s own', async () => {
    const result = await run('progress')
    assert.deepEqual(result['children'], [[['child', null], null]])
  })

  test('a retry, then the parent that Celery gives it', async () => {
    await using bench = nodeBench(tasks)
    await bench.startNode()
    await bench.send('flaky', 'id')
    const retrying = await bench.result('id')
    assert.deepEqual([retrying?.status, retrying?.children, retrying?.doneAt], ['RETRY', ['id'], null])
    await bench.time.pass(180_000)
    const done = await bench.result('id')
    assert.deepEqual([done?.status, done?.result, done?.parentId], ['SUCCESS', 'ok', 'id'])
  })

  test('nothing when the task or the message says that nobody will ask', async () => {
    assert.deepEqual(await run('silent'), {})
    assert.deepEqual(await run('capp.add', [1, 1], { ignoreResult: true }), {})
  })

  test('a success is not overwritten, and a redelivered task that has succeeded is not run again', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    const { broker } = await bench.startNode()
    await bench.send('t', '1')
    await settled()
    broker.dropConnection()
    await gate.open('1', 'first')
    assert.equal((await bench.result('1'))?.result, 'first')
    broker.restoreConnection()
    await bench.time.pass(1_000)
    assert.deepEqual(gate.entered, ['1'])
    assert.equal((await bench.outside.countQueue('q')).messages, 0)
  })

  test('a store that is away costs a second at most, once, and tasks are done all the same', async () => {
    const gate = new Gate()
    await using bench = nodeBench([gated(gate)])
    const { node } = await bench.startNode()
    bench.results.goAway()
    for (const id of ['1', '2', '3', '4', '5']) await bench.send('t', id)
    await settled()
    await gate.open('1')
    await bench.time.pass(1_000)
    assert.deepEqual(gate.entered, ['1', '2', '3', '4', '5'])
    for (const id of ['2', '3']) await gate.open(id)
    assert.equal(node.load.running, 2, 'no waiting while it rests')
    assert.equal(node.losses.results, 3)
    bench.results.comeBack()
    await bench.time.pass(1_000)
    await gate.open('4', 4)
    assert.equal((await bench.result('4'))?.result, 4)
    await gate.open('5')
    assert.equal((await bench.outside.countQueue('q')).messages, 0)
  })
})

test('a store that hangs is left after a second', async () => {
  const time = new VirtualTime()
  const patient = new PatientResults(time, createLogger('silent'))
  const answer = patient.ask(() => new Promise<string>(() => {}))
  await time.pass(1_000)
  assert.equal(await answer, undefined)
  assert.equal(await patient.ask(() => Promise.resolve('not asked')), undefined)
  await time.pass(1_000)
  assert.equal(await patient.ask(() => Promise.resolve('asked')), 'asked')
  assert.equal(time.waiting, 0)
})

suite('who waits for a result', () => {
  const success = encodeResult({
    taskId: 'a',
    status: 'SUCCESS',
    result: 5,
    traceback: null,
    children: [],
    doneAt: 1_000,
    groupId: null,
    parentId: null,
  })

  test('gets it when it is there, when it comes, and not before it is for good', async () => {
    const results = memoryResults()
    const timers = new VirtualTime()
    const waiting = waitForResult(results, 'a', { timeoutMs: 1_000, timers })
    await settled()
    await results.write('a', success.replace('SUCCESS', 'STARTED'), () => false)
    await results.write('a', success, () => false)
    assert.equal((await waiting).result, 5)
    assert.equal((await waitForResult(results, 'a', { timeoutMs: 1_000, timers })).result, 5)
    assert.equal(timers.waiting, 0)
  })

  test('gives up in time, or when told', async () => {
    const timers = new VirtualTime()
    const late = waitForResult(memoryResults(), 'a', { timeoutMs: 1_000, timers })
    await Promise.all([assert.rejects(late, ResultTimeout), timers.pass(1_000)])
    const controller = new AbortController()
    const told = waitForResult(memoryResults(), 'a', { timeoutMs: 1_000, timers, signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(told, /enough/)
  })

  test('reads a status for people', () => {
    assert.deepEqual(taskStatus('a', undefined), {
      task_id: 'a',
      state: 'PENDING',
      result: null,
      error: null,
      done_at: null,
    })
    assert.deepEqual(taskStatus('a', success), {
      task_id: 'a',
      state: 'SUCCESS',
      result: 5,
      error: null,
      done_at: '1970-01-01T00:00:01.000Z',
    })
    assert.deepEqual(taskStatus('a', JSON.stringify(stored('boom'))).error, {
      type: 'ValueError',
      message: 'bad thing, 42',
    })
    assert.equal(taskStatus('a', 'rubbish').state, 'PENDING')
    assert.deepEqual(taskStatus('a', '{"status":"STARTED","result":{"pid":1}}').result, null)
  })
})
