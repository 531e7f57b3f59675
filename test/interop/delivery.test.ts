import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeResult } from '#src/celery/results/result-text.ts'
import { waitForResult } from '#src/celery/results/wait-for-result.ts'
import { defineTask } from '#src/celery/task.ts'
import { interopBench } from './bench.ts'
import { NodeProcess } from './node-process.ts'
import { celeryCommand } from './python-process.ts'
import { interopTasks } from './tasks.ts'

const bench = await interopBench()
const { client, results, rabbitmq } = bench
after(async () => bench[Symbol.asyncDispose]())

/** Until the broker says so; its own count lags by nothing once the connections are gone. */
async function untilCount(queue: string, messages: number): Promise<void> {
  while ((await bench.publisher.countQueue(queue)).messages !== messages) await delay(20)
}

async function untilUnacknowledged(queue: string, messages: number): Promise<void> {
  const columns = ['--quiet', '--no-table-headers', 'name', 'messages_unacknowledged']
  while (!(await rabbitmq.ctl('list_queues', ...columns)).split('\n').includes(`${queue}\t${messages}`)) await delay(20)
}

suite('deliveries on a real broker', () => {
  test('killed with late ack, a task comes again once; with early ack it does not', async () => {
    const worker = await NodeProcess.start(bench.engines, 'doomed@node')
    const late = await client.sendTask({ task: 'node.late', queue: 'node' })
    const early = await client.sendTask({ task: 'node.early', queue: 'node' })
    await Promise.all([worker.until(`began ${late}`), worker.until(`began ${early}`)])
    // The ack of the other is on its way when the task begins.
    await untilUnacknowledged('node', 1)
    await worker.kill()
    await untilCount('node', 1)
    await using _next = await NodeProcess.start(bench.engines, 'next@node')
    assert.equal((await waitForResult(results, late, { timeoutMs: 60_000 })).result, 'done')
    assert.equal(await results.read(early), undefined)
    await untilCount('node', 0)
  })

  test('a warm shutdown gives back what waits for its time, and what does not end', async () => {
    await using worker = await NodeProcess.start(bench.engines, 'stopping@node')
    const running = await client.sendTask({ task: 'node.late', queue: 'node' })
    await client.sendTask({ task: 'node.late', queue: 'node', eta: new Date(Date.now() + 3_600_000) })
    await worker.until(`began ${running}`)
    await untilUnacknowledged('node', 2)
    await worker[Symbol.asyncDispose]()
    await untilCount('node', 2)
    await bench.publisher.deleteQueue('node')
  })

  test('a connection cut in the middle brings the task again, and its first ack does nothing', async () => {
    const runs: boolean[] = []
    const second = Promise.withResolvers<void>()
    const task = defineTask({
      name: 'node.cut',
      acksLate: true,
      parse: (kwargs) => kwargs,
      handler: async (_kwargs, { redelivered }) => {
        runs.push(redelivered)
        if (redelivered) return second.resolve()
        await second.promise
      },
    })
    const { node } = await bench.startNode('cut@node', [task], { queues: ['cut'], skipDone: false })
    const id = await client.sendTask({ task: 'node.cut', queue: 'cut' })
    while (runs.length === 0) await delay(10)
    await rabbitmq.closeConnections()
    assert.equal((await waitForResult(results, id, { timeoutMs: 60_000 })).status, 'SUCCESS')
    while (node.load.running > 0) await delay(10)
    assert.deepEqual(runs, [false, true])
    let ping = await celeryCommand(bench.venv, bench.engines, ['inspect', '-d', 'cut@node', 'ping'])
    // The broker may hold the old queue of requests a moment longer.
    while (ping.code !== 0) ping = await celeryCommand(bench.venv, bench.engines, ['inspect', '-d', 'cut@node', 'ping'])
    assert.match(ping.output, /cut@node: OK/)
    await untilCount('cut', 0)
  })

  test('a task that gives itself back comes again', async () => {
    await bench.startNode('again@node', interopTasks(), { queues: ['again'] })
    const id = await client.sendTask({ task: 'node.again', queue: 'again' })
    const { status, result } = await waitForResult(results, id, { timeoutMs: 60_000 })
    assert.deepEqual([status, result], ['SUCCESS', 'again'])
    await untilCount('again', 0)
  })

  test('no more is taken than the prefetch', async () => {
    const { node } = await bench.startNode('full@node', interopTasks(), { queues: ['full'], concurrency: 1 })
    for (let n = 0; n < 20; n += 1) await client.sendTask({ task: 'node.slow', queue: 'full' })
    while (node.load.running + node.load.ready < 2) await delay(10)
    assert.equal((await bench.publisher.countQueue('full')).messages, 18)
  })

  test('nothing that newer brokers refuse is asked for', async () => {
    const queues = await rabbitmq.ctl('list_queues', '--quiet', '--no-table-headers', 'name', 'durable', 'exclusive')
    const ours = queues
      .split('\n')
      .map((line) => line.split('\t'))
      .filter(([name = '']) => /^(cut|full)/.test(name))
    for (const [name, durable, exclusive] of ours) {
      assert.ok(durable === 'true' || exclusive === 'true', `${name} is durable or exclusive`)
    }
    assert.ok(ours.some(([name]) => name === 'full@node.celery.pidbox'))
    const channels = await rabbitmq.ctl('list_channels', '--quiet', '--no-table-headers', 'global_prefetch_count')
    assert.deepEqual([...new Set(channels.trim().split(/\s+/))], ['0'])
  })

  test('a result comes through although Redis restarts while it is awaited', async () => {
    const gate = Promise.withResolvers<void>()
    const task = defineTask({ name: 'node.gate', acksLate: true, parse: () => null, handler: async () => gate.promise })
    await bench.startNode('gate@node', [task], { queues: ['gate'] })
    const id = await client.sendTask({ task: 'node.gate', queue: 'gate' })
    const watching = Promise.withResolvers<void>()
    const watch: typeof results.watch = async (...asked) => {
      const watched = await results.watch(...asked)
      watching.resolve()
      return watched
    }
    const waiting = waitForResult({ watch }, id, { timeoutMs: 60_000 })
    await watching.promise
    await bench.redis.stop()
    await bench.redis.start()
    const answers = async (): Promise<boolean> =>
      results.read(id).then(
        () => true,
        () => false,
      )
    while (!(await answers())) await delay(20)
    gate.resolve()
    assert.equal((await waiting).status, 'SUCCESS')
    assert.equal(decodeResult((await results.read(id)) ?? '')?.taskId, id)
  })
})
