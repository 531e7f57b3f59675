import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { interopBench } from './bench.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const { python } = bench
assert.equal(await python.eval("__import__('watcher').start()"), true)
after(async () => bench[Symbol.asyncDispose]())

const watcher = "__import__('watcher')"
const until = async (condition: string): Promise<void> =>
  assert.equal(await python.eval(`${watcher}.until(lambda: ${condition})`), true, condition)
const stateOf = async (id: string, state: string): Promise<Record<string, unknown>> => {
  await until(`(${watcher}.task('${id}') or {}).get('state') == '${state}'`)
  return await python.eval(`${watcher}.task('${id}')`)
}
const send = (call: string) => python.eval<string>(`app.send_task(${call}, queue='node').id`)

suite('what Celery’s own picture of the cluster makes of our events', () => {
  const started = bench.startNode('worker1@node', interopTasks())

  test('a node that starts is alive', async () => {
    await started
    await until(`'worker1@node' in ${watcher}.alive()`)
  })

  test('tasks that succeed, fail, are retried, rejected and revoked', async () => {
    const added = await send("'node.add', args=(2, 3)")
    // Its sender says that it was sent after it was, so that the node's events can be there first.
    await until(`(${watcher}.task('${added}') or {}).get('sent')`)
    const done = await stateOf(added, 'SUCCESS')
    assert.deepEqual(
      [done['name'], done['args'], done['result'], done['worker']],
      ['node.add', '(2, 3)', '5', 'worker1@node'],
    )
    assert.equal(typeof done['runtime'], 'number')
    assert.equal(typeof done['sent'], 'number')
    const failed = await stateOf(await send("'node.fail'"), 'FAILURE')
    assert.equal(failed['exception'], "ValueError('bad thing', 42)")
    assert.equal((await stateOf(await send("'node.flaky', args=[1]"), 'SUCCESS'))['result'], "'after 1'")
    // A rejection comes before its start in Celery's order of states, so that its time alone tells.
    const rejected = await send("'node.reject'")
    await until(`(${watcher}.task('${rejected}') or {}).get('rejected')`)
    await stateOf(
      await send("'node.add', args=[1, 1], expires=datetime.now(timezone.utc) - timedelta(seconds=5)"),
      'REVOKED',
    )
  })

  test('what runs is started', async () => {
    const id = await send("'node.slow'")
    await stateOf(id, 'STARTED')
    await python.eval(`app.control.revoke('${id}', terminate=True)`)
    await stateOf(id, 'REVOKED')
  })

  test('a node that stops is away at once', async () => {
    const { node } = await started
    await node.close()
    await until(`${watcher}.said_goodbye('worker1@node')`)
    assert.deepEqual(await python.eval(`${watcher}.alive()`), [])
  })
})
