import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import type { SendTask } from '#src/celery/client.ts'
import { waitForResult } from '#src/celery/results/wait-for-result.ts'
import { interopBench } from './bench.ts'
import { PythonWorker } from './python-process.ts'

const bench = await interopBench()
// One process: whatever was sent before a task has ended when that has.
const worker = await PythonWorker.start(bench.venv, bench.engines, 'py@node', '-c', '1')
after(async () => {
  await worker[Symbol.asyncDispose]()
  await bench[Symbol.asyncDispose]()
})

async function call(task: string, send: Partial<SendTask> = {}) {
  const id = await bench.client.sendTask({ task, queue: 'python', ...send })
  return await waitForResult(bench.results, id, { timeoutMs: 60_000 })
}

suite('our client and a Python worker', () => {
  test('success and failure', async () => {
    const done = await call('python.add', { args: [2, 3] })
    assert.deepEqual([done.status, done.result], ['SUCCESS', 5])
    const failed = await call('python.fail')
    assert.equal(failed.status, 'FAILURE')
    assert.deepEqual(failed.result, { exc_type: 'ValueError', exc_message: ['bad thing', 42], exc_module: 'builtins' })
    assert.match(failed.traceback ?? '', /Traceback/)
    const own = await call('python.closed')
    assert.deepEqual(own.result, { exc_type: 'AccountClosed', exc_message: ['account 17'], exc_module: 'interop_app' })
    assert.equal((await call('python.absent')).status, 'FAILURE')
  })

  test('headers with numbers of every size', async () => {
    const { result } = await call('python.about', {
      hardLimitSeconds: 600,
      softLimitSeconds: 540,
      retries: 300,
      headers: { 'x-mine': 'ours' },
      parent: { taskId: 'the parent', rootId: 'the root' },
      replyTo: 'nobody',
    })
    const about = result as Record<string, unknown>
    assert.deepEqual(about['timelimit'], [600, 540])
    assert.deepEqual(
      ['retries', 'mine', 'root_id', 'parent_id', 'lang', 'reply_to'].map((name) => about[name]),
      [300, 'ours', 'the root', 'the parent', 'js', 'nobody'],
    )
  })

  test('eta, expires and priority', async () => {
    assert.equal((await call('python.add', { args: [1, 1], eta: new Date(Date.now() + 300) })).result, 2)
    assert.equal(
      (await call('python.add', { args: [1, 1], priority: 7, expires: new Date(Date.now() + 60_000) })).result,
      2,
    )
    const expired = await call('python.add', { args: [1, 1], expires: new Date(Date.now() - 5_000) })
    assert.equal(expired.status, 'REVOKED')
  })

  test('a retry on their side', async () => {
    assert.equal((await call('python.flaky', { args: [2] })).result, 'after 2')
  })

  test('an ignored result is not stored', async () => {
    const id = await bench.client.sendTask({ task: 'python.add', queue: 'python', args: [1, 1], ignoreResult: true })
    await call('python.add', { args: [1, 1] })
    assert.equal(await bench.results.read(id), undefined)
  })
})
