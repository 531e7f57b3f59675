import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defineTask } from '#src/celery/task.ts'
import { nodeBench } from './node-bench.ts'
import { settled } from './virtual-time.ts'

/** A canvas that turns one number into another. */
type Canvas =
  | { readonly kind: 'add'; readonly n: number }
  | { readonly kind: 'chain'; readonly steps: readonly Canvas[] }
  | { readonly kind: 'chord'; readonly parts: readonly Canvas[] }

const { canvas } = fc.letrec<{ canvas: Canvas; add: Canvas; chain: Canvas; chord: Canvas }>((tie) => ({
  canvas: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('add'), tie('chain'), tie('chord')),
  add: fc.record({ kind: fc.constant('add' as const), n: fc.nat(9) }),
  chain: fc.record({
    kind: fc.constant('chain' as const),
    steps: fc.array(tie('canvas'), { minLength: 1, maxLength: 3 }),
  }),
  chord: fc.record({
    kind: fc.constant('chord' as const),
    parts: fc.array(tie('canvas'), { minLength: 1, maxLength: 3 }),
  }),
}))

/** What it means, without any message. */
function evaluate(of: Canvas, x: number): number {
  if (of.kind === 'add') return x + of.n
  if (of.kind === 'chain') return of.steps.reduce((result, step) => evaluate(step, result), x)
  return of.parts.reduce((sum, part) => sum + evaluate(part, x), 0)
}

function signature(of: Canvas): object {
  const sig = (task: string, kwargs: object, args: readonly unknown[] = []) => ({
    task,
    args,
    kwargs,
    options: { queue: 'q' },
    subtask_type: null,
    immutable: false,
  })
  if (of.kind === 'add') return sig('add', {}, [of.n])
  if (of.kind === 'chain') return sig('celery.chain', { tasks: of.steps.map(signature) })
  const header = sig('celery.group', { tasks: of.parts.map(signature) })
  return sig('celery.chord', { header, body: sig('total', {}), kwargs: {} })
}

const tasks = [
  defineTask({
    name: 'add',
    acksLate: true,
    positional: ['x', 'n'],
    parse: ({ x, n }) => ({ x: Number(x), n: Number(n ?? 0) }),
    handler: ({ x, n }) => x + n,
  }),
  defineTask({
    name: 'total',
    acksLate: true,
    positional: ['numbers'],
    parse: ({ numbers }) => [numbers].flat() as number[],
    handler: (numbers) => numbers.reduce((sum, n) => sum + n, 0),
  }),
]

test('any canvas of chains and chords gives what it means', async () => {
  await using bench = nodeBench(tasks)
  await bench.startNode({ events: false, concurrency: 3 })
  let runs = 0
  await fc.assert(
    fc.asyncProperty(canvas, fc.nat(9), async (of, x) => {
      const end = `end-${(runs += 1)}`
      const last = { task: 'add', args: [], kwargs: {}, options: { queue: 'q', task_id: end }, immutable: false }
      await bench.outside.publish({
        exchange: '',
        routingKey: 'q',
        properties: { contentType: 'application/json', contentEncoding: 'utf-8' },
        headers: { task: 'add', id: `start-${runs}` },
        body: Buffer.from(JSON.stringify([[x, 0], {}, { chain: [last, signature(of)] }])),
      })
      for (let waits = 0; (await bench.result(end)) === undefined && waits < 200; waits += 1) await settled()
      assert.equal((await bench.result(end))?.result, evaluate(of, x))
    }),
    { numRuns: 100 },
  )
  assert.equal((await bench.outside.countQueue('q')).messages, 0)
})
