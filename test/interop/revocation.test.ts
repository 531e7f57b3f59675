import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { waitForResult } from '#src/celery/results/wait-for-result.ts'
import { celeryOfThisRun, interopBench } from './bench.ts'
import { until } from '#test/support/processes.ts'
import { PythonWorker } from './python-process.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const { python, results } = bench
const seen: string[] = []
const first = await bench.startNode('worker1@node', interopTasks(seen), { concurrency: 1 })
after(async () => bench[Symbol.asyncDispose]())

const send = (call: string) => python.eval<string>(`app.send_task(${call}, queue='node').id`)
const outcome = async (id: string) => (await waitForResult(results, id, { timeoutMs: 60_000 })).status
const revokedOf = (node: string) =>
  python.eval<string[]>(`app.control.inspect(['${node}'], timeout=60).revoked()['${node}']`)

suite('revoked by Python', () => {
  test('before delivery, while reserved, while scheduled, while it runs', async () => {
    await python.eval("app.control.revoke('to-come', reply=True, limit=1, timeout=60)")
    await send("'node.add', args=[1, 1], task_id='to-come'")
    const scheduled = await send("'node.add', args=[1, 1], countdown=10")
    await until('one waits for its time', () => first.node.load.scheduled === 1)
    const running = await send("'node.slow'")
    const reserved = await send("'node.add', args=[1, 1]")
    await until('one runs and one waits', () => first.node.load.running === 1 && first.node.load.ready === 1)
    await python.eval(`app.control.revoke(['${reserved}', '${scheduled}'], reply=True, limit=1, timeout=60)`)
    for (const id of ['to-come', reserved, scheduled]) assert.equal(await outcome(id), 'REVOKED')
    await python.eval(`app.control.revoke('${running}', terminate=True, reply=True, limit=1, timeout=60)`)
    assert.equal(await outcome(running), 'REVOKED')
    const later = await send("'node.add', args=[1, 1], countdown=1")
    assert.equal(await outcome(later), 'SUCCESS')
    await until('the time of the scheduled one comes', () => first.node.load.scheduled === 0, 60_000)
    assert.deepEqual(seen, [later])
  })

  // They came with Celery 5.3.
  if (celeryOfThisRun() !== 'celery-5.2.6')
    test('by stamps', async () => {
      await python.eval(
        "app.control.revoke_by_stamped_headers({'customer': ['seven']}, reply=True, limit=1, timeout=60)",
      )
      const id = await python.eval<string>(
        "app.send_task('node.add', args=[1, 1], queue='node', stamped_headers=['customer'], customer='seven').id",
      )
      assert.equal(await outcome(id), 'REVOKED')
    })

  test('is known to a node that starts later, of either language', async () => {
    await bench.startNode('worker2@node', interopTasks(), { queues: ['other'], mingleMs: 3_000 })
    assert.ok((await revokedOf('worker2@node')).includes('to-come'))
    const worker = await PythonWorker.start(bench.venv, bench.engines, 'py@node')
    try {
      assert.ok((await revokedOf('py@node')).includes('to-come'))
      await python.eval("app.control.revoke('from-python', destination=['py@node'], reply=True, limit=1, timeout=60)")
      await bench.startNode('worker3@node', interopTasks(), { queues: ['other'], mingleMs: 3_000 })
      assert.ok((await revokedOf('worker3@node')).includes('from-python'))
      assert.doesNotMatch(worker.log, /Traceback/)
    } finally {
      await worker[Symbol.asyncDispose]()
    }
  })
})
