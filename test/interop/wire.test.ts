import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { jsonBody, newEnvelope } from '#src/celery/message.ts'
import { waitForResult } from '#src/celery/results/wait-for-result.ts'
import { TaskPublisher } from '#src/celery/task-publisher.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { AmqpTap } from '#test/support/amqp-tap.ts'
import { interopBench } from './bench.ts'
import { PythonWorker } from './python-process.ts'
import { interopTasks } from './tasks.ts'

const QUEUE_DECLARE = [50, 10] as const
const EXCHANGE_DECLARE = [40, 10] as const
const BASIC_QOS = [60, 10] as const
const PASSIVE = 1
const DURABLE = 2
const EXCLUSIVE = 4

const bench = await interopBench()
const tap = await AmqpTap.start(bench.rabbitmq.url)
const tapped = rabbitmqBroker({
  url: tap.urlOf(bench.rabbitmq.url),
  log: createLogger('silent'),
  name: 'tapped',
  timers,
})
after(async () => {
  await tapped[Symbol.asyncDispose]()
  await tap[Symbol.asyncDispose]()
  await bench[Symbol.asyncDispose]()
})

/** The name of what is declared, and its flags, from the arguments of the method. */
function declaration(args: Buffer, namesBefore: number): { name: string; flags: number } {
  let at = 2
  const names: string[] = []
  for (let index = 0; index <= namesBefore; index += 1) {
    const length = args.readUInt8(at)
    names.push(args.toString('utf8', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: names[0] ?? '', flags: args.readUInt8(at) }
}

suite('what our node says to the broker', () => {
  test('no queue that newer brokers refuse, and no prefetch for a whole channel', async () => {
    const options = { broker: tapped, publisher: tapped, concurrency: 2, mingleMs: 200 }
    await bench.startNode('tapped@node', interopTasks(), options)
    const call = "app.send_task('node.add', args=[1, 2], queue='node').get(timeout=60)"
    assert.equal(await bench.python.eval(call), 3)
    const later = await bench.python.eval<string>("app.send_task('node.add', queue='node', countdown=3600).id")
    await bench.python.eval(`app.control.revoke('${later}', reply=True, limit=1, timeout=60)`)
    await bench.python.eval("app.control.add_consumer('extra', reply=True, limit=1, timeout=60)")
    await bench.python.eval('app.control.pool_grow(3, reply=True, limit=1, timeout=60)')
    assert.equal(await bench.python.eval(call), 3)

    const queues = tap.sent(...QUEUE_DECLARE).map((args) => declaration(args, 0))
    assert.ok(queues.some(({ name }) => name === 'tapped@node.celery.pidbox'))
    for (const { name, flags } of queues) {
      if ((flags & PASSIVE) === 0) assert.ok((flags & (DURABLE | EXCLUSIVE)) !== 0, `${name} is neither`)
    }
    const exchanges = tap.sent(...EXCHANGE_DECLARE).map((args) => declaration(args, 1))
    const durable = new Map(exchanges.map(({ name, flags }) => [name, (flags & DURABLE) !== 0]))
    assert.deepEqual(
      ['celeryev', 'celery.pidbox'].map((name) => durable.get(name)),
      [true, false],
    )
    const prefetches = tap.sent(...BASIC_QOS)
    assert.ok(prefetches.length > 0)
    for (const args of prefetches) assert.equal(args.readUInt8(6), 0, 'not for the whole channel')
  })

  test('numbers of every size reach a Python worker as numbers', async () => {
    await using worker = await PythonWorker.start(bench.venv, bench.engines, 'py@node')
    const publisher = new TaskPublisher(bench.publisher, timers)
    for (const number of [1, 127, 128, 200, 255, 256, 1_000, 32_767, 32_768, 65_536, 2 ** 31 - 1]) {
      const id = randomUUID()
      const envelope = newEnvelope({
        task: 'python.about',
        id,
        origin: 'test',
        args: [],
        kwargs: {},
        retries: number,
        group: 'the group',
        groupIndex: number,
        hardLimitSeconds: 600,
        softLimitSeconds: 540,
      })
      await publisher.publish({ queue: 'python' }, envelope, jsonBody([], {}))
      const { result } = await waitForResult(bench.results, id, { timeoutMs: 60_000 })
      const { retries, group_index: index, timelimit } = result as Record<string, unknown>
      assert.deepEqual([retries, index, timelimit], [number, number, [600, 540]])
    }
    assert.doesNotMatch(worker.log, /Traceback|Unrecoverable/)
  })
})
