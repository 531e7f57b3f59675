import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { expand } from '#src/celery/canvas/expand.ts'
import { CanvasUnsupported, readSignature } from '#src/celery/canvas/signature.ts'
import { PythonException } from '#src/celery/python-exception.ts'
import { defineTask } from '#src/celery/task.ts'
import { headersFromReceived } from '#src/ports/message-headers.ts'
import { captures } from './captures.ts'
import { nodeBench } from './node-bench.ts'
import { settled } from './virtual-time.ts'

const numbers = ({ a, b }: Readonly<Record<string, unknown>>) => ({ a: Number(a), b: Number(b) })
const noted: unknown[] = []
const tasks = [
  defineTask({ name: 'capp.add', positional: ['a', 'b'], parse: numbers, handler: ({ a, b }) => a + b }),
  defineTask({ name: 'capp.mul', positional: ['a', 'b'], parse: numbers, handler: ({ a, b }) => a * b }),
  defineTask({
    name: 'capp.xsum',
    positional: ['numbers'],
    parse: ({ numbers: list }) => list as number[],
    handler: (list) => list.flat(Infinity).reduce((sum, n) => sum + n, 0),
  }),
  defineTask({
    name: 'capp.boom',
    positional: ['a', 'b'],
    parse: () => null,
    handler: () => {
      throw new PythonException('ValueError', ['bad thing', 42])
    },
  }),
  defineTask({ name: 'capp.onerr', positional: ['id'], parse: ({ id }) => id, handler: (id) => noted.push(id) }),
]

const sig = (task: string, args: readonly unknown[], options: object = {}, more: object = {}) => ({
  task,
  args,
  kwargs: {},
  options: { queue: 'q', ...options },
  subtask_type: null,
  immutable: false,
  ...more,
})
const group = (members: readonly unknown[], options: object = {}) => ({
  ...sig('celery.group', [], options),
  kwargs: { tasks: members },
  subtask_type: 'group',
})
const chain = (steps: readonly unknown[], options: object = {}) => ({
  ...sig('celery.chain', [], options),
  kwargs: { tasks: steps },
  subtask_type: 'chain',
})
const chord = (header: readonly unknown[], body: unknown, options: object = {}) => ({
  ...sig('celery.chord', [], options),
  kwargs: { header: group(header), body, kwargs: {} },
  subtask_type: 'chord',
})

/** Sends `capp.add(1, 1)` with what follows it, and tells how the task named `end` ended. */
async function follow(embed: object, end: string) {
  await using bench = nodeBench(tasks)
  await bench.startNode()
  const body = [[1, 1], {}, { callbacks: null, errbacks: null, chain: null, chord: null, ...embed }]
  await bench.outside.publish({
    exchange: '',
    routingKey: 'q',
    properties: { contentType: 'application/json', contentEncoding: 'utf-8' },
    headers: { task: 'capp.add', id: 'first' },
    body: Buffer.from(JSON.stringify(body)),
  })
  await settled()
  await bench.time.pass(5_000)
  const result = await bench.result(end)
  return [result?.status, result?.result]
}

suite('what follows a task', () => {
  test('links, each with the result', async () => {
    const callbacks = [sig('capp.add', [5], { task_id: 'a' }), sig('capp.mul', [5], { task_id: 'b' })]
    assert.deepEqual(await follow({ callbacks }, 'a'), ['SUCCESS', 7])
    assert.deepEqual(await follow({ callbacks }, 'b'), ['SUCCESS', 10])
    const immutable = [sig('capp.add', [5, 5], { task_id: 'a' }, { immutable: true })]
    assert.deepEqual(await follow({ callbacks: immutable }, 'a'), ['SUCCESS', 10])
  })

  test('a chain, whose next step is the last of the list', async () => {
    const steps = [sig('capp.mul', [10], { task_id: 'z' }), sig('capp.add', [3])]
    assert.deepEqual(await follow({ chain: steps }, 'z'), ['SUCCESS', 50])
  })

  test('a chord inside a chain, and steps after it', async () => {
    const parts = [sig('capp.add', [10]), sig('capp.mul', [10])]
    const body = sig('capp.xsum', [], { task_id: 'body' })
    assert.deepEqual(await follow({ chain: [chord(parts, body)] }, 'body'), ['SUCCESS', 32])
    const after = sig('capp.add', [100], { task_id: 'after' })
    assert.deepEqual(await follow({ chain: [after, chord(parts, body)] }, 'after'), ['SUCCESS', 132])
  })

  test('groups inside chains, before a step and at the end', async () => {
    const parts = group([sig('capp.add', [10], { task_id: 'p' }), sig('capp.mul', [10])])
    assert.deepEqual(await follow({ chain: [parts] }, 'p'), ['SUCCESS', 12])
    const sum = sig('capp.xsum', [], { task_id: 'sum' })
    assert.deepEqual(await follow({ chain: [sum, parts] }, 'sum'), ['SUCCESS', 32])
  })

  test('chains and chords inside a chord’s header', async () => {
    const inner = chord([sig('capp.add', [1]), sig('capp.add', [2])], sig('capp.xsum', []))
    const parts = [inner, chain([sig('capp.add', [1]), sig('capp.mul', [100])])]
    const body = sig('capp.xsum', [], { task_id: 'body' })
    assert.deepEqual(await follow({ chain: [chord(parts, body)] }, 'body'), ['SUCCESS', 307])
  })

  test('a header of one is a chain, as Celery has it', async () => {
    const body = sig('capp.add', [1], { task_id: 'body' })
    assert.deepEqual(await follow({ chain: [chord([sig('capp.add', [10])], body)] }, 'body'), ['SUCCESS', 13])
  })

  test('what is no canvas fails the task that carries it', async () => {
    const [status, error] = await follow({ chain: [{ what: 'is this' }] }, 'first')
    assert.equal(status, 'FAILURE')
    assert.equal((error as { exc_type: string }).exc_type, 'CanvasUnsupported')
  })
})

suite('a failure', () => {
  const failing = { exc_type: 'ValueError', exc_message: ['bad thing', 42], exc_module: 'builtins' }

  test('is that of every later step of the chain, and errbacks get the id of the failed task', async () => {
    const boom = sig('capp.boom', [], { task_id: 'boom', link_error: [sig('capp.onerr', [])] })
    const steps = [sig('capp.add', [1], { task_id: 'z' }), sig('capp.add', [1], { task_id: 'y' }), boom]
    assert.deepEqual(await follow({ chain: steps }, 'z'), ['FAILURE', failing])
    assert.deepEqual(await follow({ chain: steps }, 'y'), ['FAILURE', failing])
    assert.deepEqual(noted.at(-1), 'boom')
  })

  test('of a part is that of the chord’s body, and of what comes after it', async () => {
    const parts = [sig('capp.add', [1]), sig('capp.boom', [], { task_id: 'part' })]
    const body = sig('capp.xsum', [], { task_id: 'body', link_error: [sig('capp.onerr', [])] })
    const steps = [sig('capp.add', [1], { task_id: 'after' }), chord(parts, body)]
    const error = {
      exc_type: 'ChordError',
      exc_message: ["Dependency part raised ValueError('bad thing', 42)"],
      exc_module: 'celery.exceptions',
    }
    assert.deepEqual(await follow({ chain: steps }, 'body'), ['FAILURE', error])
    assert.deepEqual(await follow({ chain: steps }, 'after'), ['FAILURE', error])
    assert.equal(noted.at(-1), 'body')
  })

  test('of a chain inside a chord is the chord’s too', async () => {
    const parts = [chain([sig('capp.boom', []), sig('capp.add', [1])]), sig('capp.add', [1])]
    const body = sig('capp.xsum', [], { task_id: 'body' })
    const [status, error] = await follow({ chain: [chord(parts, body)] }, 'body')
    assert.deepEqual([status, (error as { exc_type: string }).exc_type], ['FAILURE', 'ChordError'])
  })
})

suite('captured canvas runs', () => {
  const canvas = captures('07-canvas').filter(({ message }) => message.headers['stamped_headers'] === null)
  for (const { name, message, routingKey } of canvas) {
    test(name, async () => {
      await using bench = nodeBench(tasks)
      await bench.startNode({ queues: [routingKey] })
      await bench.outside.publish({
        exchange: '',
        routingKey,
        ...message,
        headers: headersFromReceived(message.headers),
      })
      await settled()
      assert.equal((await bench.result(message.headers['id'] as string))?.status, 'SUCCESS')
    })
  }

  test('the chord that Python made of a chain ends in its body', async () => {
    const [first] = canvas
    assert.ok(first)
    await using bench = nodeBench(tasks)
    await bench.startNode({ queues: [first.routingKey] })
    const headers = headersFromReceived(first.message.headers)
    await bench.outside.publish({ exchange: '', routingKey: first.routingKey, ...first.message, headers })
    await settled()
    const body = await bench.result('a5b40edb-f2f2-4518-94b2-7f701d6cf4ba')
    assert.deepEqual([body?.status, body?.result], ['SUCCESS', 3 * 3 + 3 * 4])
  })

  test('a header that Python saved as nested groups gives nested lists', async () => {
    await using bench = nodeBench(tasks)
    await bench.startNode()
    const member = (id: string) => [[id, null], null]
    const saved = [
      ['g', null],
      [
        [
          ['inner', null],
          [member('a'), member('b')],
        ],
        member('c'),
      ],
    ]
    bench.results.saveGroup('g', JSON.stringify({ result: saved }))
    await bench.results.setChordSize('g', 3)
    const body = sig('capp.xsum', [], { task_id: 'body' })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      await bench.outside.publish({
        exchange: '',
        routingKey: 'q',
        properties: { contentType: 'application/json', contentEncoding: 'utf-8' },
        headers: { task: 'capp.add', id, group: 'g' },
        body: Buffer.from(
          JSON.stringify([[index, 10], {}, { callbacks: null, errbacks: null, chain: null, chord: body }]),
        ),
      })
      await settled()
    }
    assert.equal((await bench.result('body'))?.result, 33)
  })
})

suite('what a signature stands for', () => {
  const calls = (value: unknown) => expand(readSignature(value), ['r'], {})

  test('the size of every chord is told with its last part’s first message', () => {
    const inner = chord([sig('a', []), sig('b', [])], sig('c', []))
    const sizes = calls(chord([sig('x', []), inner], sig('y', []))).map(({ signature, chordSizes }) => [
      signature.task,
      chordSizes.map(({ size }) => size),
    ])
    assert.deepEqual(sizes, [
      ['x', []],
      ['a', [2]],
      ['b', [2]],
    ])
  })

  test('the id of a chain is that of its last step', () => {
    const [call] = calls(chain([sig('a', []), sig('b', [])], { task_id: 'whole' }))
    assert.equal(readSignature(call?.ending.chain?.[0]).options['task_id'], 'whole')
  })

  test('a last step that has an id keeps it, whatever the chain around it is called', () => {
    const own = sig('b', [], { task_id: 'own' })
    const [first] = calls(chain([sig('a', []), own], { task_id: 'whole' }))
    assert.equal(readSignature(first?.ending.chain?.[0]).options['task_id'], 'own')
    const [alone] = calls(chain([own], { task_id: 'whole' }))
    assert.equal(alone?.signature.options['task_id'], 'own')
  })

  test('the id of a chain that ends in a chord is that of the chord’s body, unless that has one', () => {
    for (const [options, id] of [
      [{}, 'whole'],
      [{ task_id: 'own' }, 'own'],
    ] as const) {
      const parts = group([sig('b', []), sig('c', [])], { task_id: 'parts' })
      const called = calls(chain([parts, sig('d', [], options)], { task_id: 'whole' }))
      assert.deepEqual(
        called.map(({ ending }) => [ending.groupId, readSignature(ending.chord).options['task_id']]),
        [
          ['parts', id],
          ['parts', id],
        ],
      )
    }
  })

  test('nothing is made of what is not understood', () => {
    for (const value of [null, 'text', {}, chain([]), { task: 'celery.group', kwargs: {} }]) {
      assert.throws(() => calls(value), CanvasUnsupported)
    }
  })
})
