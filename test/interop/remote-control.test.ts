import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { celeryOfThisRun, interopBench } from './bench.ts'
import { until } from '#test/support/processes.ts'
import { celeryCommand } from './python-process.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const tasks = interopTasks()
const first = await bench.startNode('worker1@node', tasks)
const second = await bench.startNode('worker2@node', tasks, { queues: ['other'] })
after(async () => bench[Symbol.asyncDispose]())

const celery = (...args: readonly string[]) => celeryCommand(bench.venv, bench.engines, args)

const inspections: readonly (readonly string[])[] = [
  ['ping'],
  ['stats'],
  ['active'],
  ['active_queues'],
  ['registered'],
  ['registered', 'rate_limit', 'acks_late'],
  ['reserved'],
  ['scheduled'],
  ['revoked'],
  ['conf'],
  ['clock'],
  ['report'],
  ['memsample'],
  ['memdump', '5'],
  ['query_task', 'nothing'],
  ['objgraph'],
]

const controls: readonly (readonly string[])[] = [
  ['enable_events'],
  ['disable_events'],
  ['enable_events'],
  ['heartbeat'],
  ['rate_limit', 'node.add', '100/m'],
  ['rate_limit', 'node.add', '0'],
  ['time_limit', 'node.add', '10', '20'],
  ['pool_grow', '2'],
  ['pool_shrink', '1'],
  ['autoscale', '5', '2'],
  ['pool_restart'],
  ['add_consumer', 'extra'],
  ['cancel_consumer', 'extra'],
  ['revoke', 'id-1', 'id-2'],
  ['terminate', 'SIGTERM', 'id-3'],
  ['election', 'id', 'topic'],
  // Stamps came with Celery 5.3.
  ...(celeryOfThisRun() === 'celery-5.2.6' ? [] : [['revoke_by_stamped_headers', 'customer=7']]),
]

/** By their names: a command that knows how many answer waits for them, and for no longer than that. */
const NODES = ['-t', '60', '-d', 'worker1@node,worker2@node'] as const

const bothAnswer = async (command: string, ...args: readonly string[]): Promise<string> => {
  const { code, output } = await celery(command, ...args)
  assert.equal(code, 0, output)
  for (const node of ['worker1@node', 'worker2@node']) assert.ok(output.includes(node), output)
  return output
}

// Each is a Python that starts: four of them together.
suite('celery’s commands and two nodes of ours', { concurrency: 4 }, () => {
  test('status', async () => {
    assert.match(await bothAnswer('status', '-t', '5'), /2 nodes online/)
  })
  for (const args of inspections)
    test(`inspect ${args.join(' ')}`, async () => void (await bothAnswer('inspect', ...NODES, ...args)))
  for (const args of controls)
    test(`control ${args.join(' ')}`, async () => void (await bothAnswer('control', ...NODES, ...args)))
})

suite('whom they reach', () => {
  test('one node alone by its name, and nobody by another', async () => {
    const one = await celery('inspect', '-t', '60', '-d', 'worker2@node', 'ping')
    assert.equal(one.code, 0, one.output)
    assert.ok(!one.output.includes('worker1@node'), one.output)
    assert.equal((await celery('inspect', '-d', 'nobody@node', 'ping')).code, 69)
  })

  test('nodes by a pattern', async () => {
    const ping = (matcher: string, pattern: string) =>
      bench.python.eval<object[]>(
        `app.control.broadcast('ping', reply=True, pattern='${pattern}', matcher='${matcher}', timeout=5, limit=2)`,
      )
    assert.equal((await ping('glob', 'worker?@*')).length, 2)
    assert.deepEqual(await ping('glob', '*[!1]@node'), [{ 'worker2@node': { ok: 'pong' } }])
    assert.deepEqual(await ping('pcre', 'worker1'), [{ 'worker1@node': { ok: 'pong' } }])
  })

  test('a clock beyond what a byte and a short hold', async () => {
    const both = "app.control.inspect(['worker1@node', 'worker2@node'], timeout=60)"
    for (const clock of [200, 40_000, 100_000]) {
      await bench.python.eval(`app.control.mailbox.clock.adjust(${clock})`)
      const replies = await bench.python.eval<Record<string, { clock: number }>>(`${both}.clock()`)
      assert.ok((replies['worker1@node']?.clock ?? 0) > clock)
      assert.deepEqual(Object.keys(await bench.python.eval<object>(`${both}.ping()`)).length, 2)
    }
  })

  test('shutdown, which nobody answers', async () => {
    const { code } = await celery('control', '-d', 'worker2@node', 'shutdown')
    assert.equal(code, 69)
    assert.equal(second.node.load.running, 0)
    const ping = (node: string) =>
      bench.python.eval<object | null>(`app.control.inspect(['${node}'], timeout=2).ping()`)
    await until('it answers no more', async () => (await ping('worker2@node')) === null)
    await until('the other does', async () => (await ping('worker1@node')) !== null)
    assert.ok(first.broker.isConnected)
  })
})
