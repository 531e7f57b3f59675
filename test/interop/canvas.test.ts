import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { defineTask } from '#src/celery/task.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { interopBench } from './bench.ts'
import { PythonRaised, PythonWorker } from './python-process.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const { python, results } = bench
/** A part of a chord of two: it is done when the other one counts. */
const last = defineTask({
  name: 'node.last',
  positional: ['x', 'y'],
  acksLate: true,
  parse: ({ x, y }) => ({ x: Number(x), y: Number(y) }),
  handler: async ({ x, y }, { envelope: { group } }) => {
    while ((await results.chordParts(group ?? assert.fail())).length === 0) await aTurn()
    return x + y
  },
})
const worker = await PythonWorker.start(bench.venv, bench.engines, 'py@node')
await bench.startNode('worker1@node', [...interopTasks(), last])
after(async () => {
  await worker[Symbol.asyncDispose]()
  await bench[Symbol.asyncDispose]()
})

/** Python’s tasks by their functions, ours by name: `n('node.add', 1)`. */
const run = (canvas: string): Promise<unknown> => python.eval(`(${canvas}).apply_async().get(timeout=60)`)
const py = 'interop_app'

async function raised(expression: Promise<unknown>): Promise<PythonRaised> {
  try {
    await expression
  } catch (error) {
    if (error instanceof PythonRaised) return error
    throw error
  }
  throw new assert.AssertionError({ message: 'nothing was raised' })
}

suite('canvas across Python and Node', () => {
  test('chains, with either side first, in between and last', async () => {
    assert.equal(await run(`${py}.add.s(1, 2) | sig('node.add', 10) | ${py}.add.s(100)`), 113)
    assert.equal(await run(`sig('node.add', 1, 2) | ${py}.add.s(10) | sig('node.add', 100)`), 113)
    assert.equal(await run(`sig('node.add', 1, 2) | sig('node.add', 10) | sig('node.add', 100)`), 113)
    assert.equal(await run(`sig('node.add', 1, 2) | ${py}.add.si(5, 5) | sig('node.add', 100)`), 110)
  })

  test('groups of both', async () => {
    assert.deepEqual(await run(`group(sig('node.add', 1, 1), ${py}.add.s(2, 2), sig('node.add', 3, 3))`), [2, 4, 6])
    assert.deepEqual(await run(`group(sig('node.add', 1, 1) | ${py}.add.s(5), sig('node.add', 3, 3))`), [7, 6])
  })

  test('chords whose parts and body are of both', async () => {
    assert.equal(await run(`chord([sig('node.add', n, n) for n in range(5)], ${py}.total.s())`), 20)
    assert.equal(await run(`chord([${py}.add.s(n, n) for n in range(5)], sig('node.total'))`), 20)
    assert.equal(
      await run(`chord([sig('node.add', 1, 1), ${py}.add.s(2, 2), sig('node.add', 3, 3)], sig('node.total'))`),
      12,
    )
    assert.equal(
      await run(
        `chord([sig('node.add', 1, 1) | ${py}.add.s(5), sig('node.add', 3, 3)], sig('node.total')) | sig('node.add', 1)`,
      ),
      14,
    )
  })

  test('a chord of many parts', async () => {
    assert.equal(await run(`chord([sig('node.add', n, 0) for n in range(100)], sig('node.total'))`), 4950)
  })

  test('chords and groups inside chains', async () => {
    assert.equal(
      await run(`sig('node.add', 1, 1) | group(sig('node.add', 10), ${py}.add.s(20)) | sig('node.total')`),
      34,
    )
    assert.equal(
      await run(`${py}.add.s(1, 1) | group(sig('node.add', 10), ${py}.add.s(20)) | sig('node.total') | ${py}.add.s(1)`),
      35,
    )
    assert.equal(
      await run(
        `sig('node.add', 1, 1) | group(sig('node.add', 10), ${py}.add.s(20)) | ${py}.total.s() | sig('node.add', 1) | ${py}.add.s(1)`,
      ),
      36,
    )
    assert.equal(
      await run(`sig('node.add', 1, 1) | chord([sig('node.add', 10), sig('node.add', 20)], ${py}.total.s())`),
      34,
    )
    assert.deepEqual(await run(`sig('node.add', 1, 1) | group(sig('node.add', 10), ${py}.add.s(20))`), [12, 22])
    assert.equal(
      await run(
        `sig('node.add', 1, 1) | group(sig('node.add', 10), sig('node.add', 20)) | sig('node.total') | group(sig('node.add', 1), ${py}.add.s(2)) | sig('node.total')`,
      ),
      71,
    )
  })

  test('Node ends a chord that Python made of a chain', async () => {
    const parts = `group(sig('node.last', 10), ${py}.add.s(20))`
    assert.equal(await run(`${py}.add.s(1, 1) | ${parts} | sig('node.total') | ${py}.add.s(1)`), 35)
    assert.equal(await run(`sig('node.add', 1, 1) | ${parts} | ${py}.total.s() | sig('node.add', 1)`), 35)
    assert.equal(await run(`${py}.add.s(1, 1) | ${parts} | sig('node.total') | ${parts} | sig('node.total')`), 98)
    assert.equal(await run(`chord([sig('node.last', 1, 1), ${py}.add.s(2, 2)], sig('node.total') | ${py}.add.s(1))`), 7)
  })

  test('chords inside chords', async () => {
    assert.equal(
      await run(
        `chord([chord([sig('node.add', 1, 1), ${py}.add.s(2, 2)], sig('node.total')), sig('node.add', 3, 3)], ${py}.total.s())`,
      ),
      12,
    )
    assert.equal(
      await run(
        `sig('node.add', 0, 1) | group(chord([sig('node.add', 1), ${py}.add.s(2)], sig('node.total')), sig('node.add', 3)) | sig('node.total')`,
      ),
      9,
    )
  })

  test('map and starmap', async () => {
    const call = (task: string, of: string, items: string): string =>
      `signature('${task}', kwargs={'task': sig('${of}'), 'it': ${items}}, app=app, options={'queue': 'node'})`
    assert.deepEqual(await run(call('celery.map', 'node.total', '[[1, 2], [3]]')), [3, 3])
    assert.deepEqual(await run(call('celery.starmap', 'node.add', '[[1, 2], [3, 4]]')), [3, 7])
  })

  test('links, each way', async () => {
    await python.eval("app.backend.client.delete('interop:notes')")
    const noted = (value: string) =>
      `next(v for v in iter(lambda: (__import__('time').sleep(0.02), [x.decode() for x in app.backend.client.lrange('interop:notes', 0, -1)])[1], None) if '${value}' in v) and True`
    await python.eval(`sig('node.add', 2, 2).apply_async(link=${py}.note.s())`)
    assert.equal(await python.eval(noted('4')), true)
    const id = await python.eval<string>(`sig('node.fail').apply_async(link_error=${py}.note.s()).id`)
    assert.equal(await python.eval(noted(id)), true)
    const children = await python.eval<unknown[]>(
      `[r for r in [sig('node.add', 2, 2).apply_async(link=sig('node.echo'))] if r.get(timeout=60)][0].children[0].get(timeout=60)`,
    )
    assert.equal(children, 4)
  })

  test('a failure ends the rest of its chain', async () => {
    const error = await raised(run(`sig('node.fail') | sig('node.add', 1) | ${py}.add.s(1)`))
    assert.equal(error.type, 'ValueError')
    assert.equal((await raised(run(`${py}.fail.si() | sig('node.add', 1)`))).type, 'ValueError')
  })

  test('a failed part fails the body of its chord, whoever finishes last', async () => {
    for (const canvas of [
      `chord([sig('node.fail'), ${py}.add.s(1, 1)], ${py}.total.s())`,
      `chord([${py}.fail.s(), sig('node.add', 1, 1)], sig('node.total'))`,
      `sig('node.add', 1, 1) | group(sig('node.add', 1), sig('node.fail')) | sig('node.total')`,
    ]) {
      // Asked by its id alone: with its parents known, Python raises what it finds there first.
      const body = `AsyncResult((${canvas}).apply_async().id, app=app).get(timeout=60)`
      const error = await raised(python.eval(body))
      assert.equal(error.type, 'ChordError', canvas)
      assert.match(error.args[0] ?? '', /^Dependency [-0-9a-f]+ raised ValueError\('bad thing', 42\)$/)
    }
  })
})
