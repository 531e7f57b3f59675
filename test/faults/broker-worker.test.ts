import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { CeleryClient } from '#src/celery/client.ts'
import type { TaskObserver, TaskRequest } from '#src/celery/observer.ts'
import { RejectTask } from '#src/celery/outcome.ts'
import { defineTask, type TaskContext } from '#src/celery/task.ts'
import { CeleryWorker } from '#src/celery/worker.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { Inbox } from '#test/conformance/broker-bench.ts'
import { rabbitmqHost } from '#test/support/shared-rabbitmq.ts'
import { TcpInterposer } from '#test/support/tcp-interposer.ts'

const server = await rabbitmqHost()
after(() => server[Symbol.asyncDispose]())

const log = createLogger('silent')
const anything = (kwargs: Readonly<Record<string, unknown>>) => kwargs

/** What happened, in order; a test waits for the line that it needs. */
class Diary {
  readonly lines: string[] = []
  readonly #waiting: { line: string; count: number; resolve: () => void }[] = []

  readonly write = (line: string): void => {
    this.lines.push(line)
    for (const waiting of this.#waiting) if (this.count(waiting.line) >= waiting.count) waiting.resolve()
  }

  count(line: string): number {
    return this.lines.filter((one) => one === line).length
  }

  async has(line: string, count = 1): Promise<void> {
    if (this.count(line) < count) await new Promise<void>((resolve) => this.#waiting.push({ line, count, resolve }))
  }
}

/** A worker behind a wire that can be cut, a client beside it, and a task that does what the test says. */
async function bench(handler: (context: TaskContext, diary: Diary) => unknown, concurrency = 2) {
  const queue = `q-${randomUUID()}`
  const wire = await TcpInterposer.start(Number(new URL(server.url).port))
  const wiredUrl = Object.assign(new URL(server.url), { port: `${wire.port}` }).href
  const broker = rabbitmqBroker({ url: wiredUrl, log, name: 'worker', timers })
  const outside = rabbitmqBroker({ url: server.url, log, name: 'outside', timers })
  await outside.connected()
  const diary = new Diary()
  const note = (event: string) => (request: TaskRequest) => diary.write(`${event} ${request.message.envelope.id}`)
  const observer: TaskObserver = {
    received: note('received'),
    succeeded: note('succeeded'),
    failed: note('failed'),
    retried: note('retried'),
    rejected: note('rejected'),
  }
  const task = defineTask({
    name: 't',
    acksLate: true,
    parse: anything,
    handler: (_kwargs, context) => handler(context, diary),
  })
  const options = { broker, publisher: outside, tasks: [task], queues: [queue], concurrency, timers, log }
  const worker = new CeleryWorker({ ...options, observers: [observer] })
  const client = new CeleryClient({ broker: outside, clock: timers.now })
  return {
    queue,
    wire,
    worker,
    outside,
    diary,
    send: (id: string, more: object = {}) => client.sendTask({ task: 't', queue, id, ...more }),
    async [Symbol.asyncDispose]() {
      await worker.close()
      await broker[Symbol.asyncDispose]()
      await outside.deleteQueue(queue)
      await outside[Symbol.asyncDispose]()
      await wire[Symbol.asyncDispose]()
    },
  }
}

test('tasks succeed, and nothing is left', async () => {
  await using at = await bench(() => 'done')
  await at.worker.start()
  const ids = Array.from({ length: 100 }, (_, n) => `id-${n}`)
  await Promise.all(ids.map((id) => at.send(id)))
  for (const id of ids) await at.diary.has(`succeeded ${id}`)
  await at.worker.close()
  assert.deepEqual(await at.outside.countQueue(at.queue), { messages: 0, consumers: 0 })
})

test('a retry comes back once, at its time', async () => {
  let wasDue = false
  await using at = await bench((context) => {
    if (context.retries === 0) context.retry({ delayMs: 400 })
    wasDue = context.envelope.eta !== null && context.envelope.eta <= timers.now()
    return 'done'
  })
  await at.worker.start()
  await at.send('a')
  await at.diary.has('succeeded a')
  // The next try may be here before the first is reported.
  assert.deepEqual(at.diary.lines.toSorted(), ['received a', 'received a', 'retried a', 'succeeded a'])
  assert.equal(wasDue, true)
})

test('tasks that wait for their time do not stand in the way of others', async () => {
  await using at = await bench(() => 'done', 1)
  await at.worker.start()
  const later = new Date(timers.now() + 3_600_000)
  // More than the worker takes at a time: each widens what it may hold.
  const held = Array.from({ length: 40 }, (_, n) => `later-${n}`)
  for (const id of held) await at.send(id, { eta: later })
  for (const id of held) await at.diary.has(`received ${id}`)
  await at.send('now')
  await at.diary.has('succeeded now')
  assert.equal(at.worker.load.scheduled, held.length)
  await at.worker.close()
  const left = new Inbox()
  await at.outside.consume(at.queue, { prefetch: 0 }, left.receive)
  await left.has(held.length)
})

test('a rejected task goes back to its queue', async () => {
  await using at = await bench((context) => {
    if (!context.redelivered) throw new RejectTask('not now', { requeue: true })
    return 'done'
  })
  await at.worker.start()
  await at.send('a')
  await at.diary.has('succeeded a')
  assert.deepEqual(at.diary.lines, ['received a', 'rejected a', 'received a', 'succeeded a'])
})

test('the connection is cut in mid-task: the late ack is void and the task runs again', async () => {
  const gate = Promise.withResolvers<void>()
  const entered: boolean[] = []
  await using at = await bench(async (context, diary) => {
    entered.push(context.redelivered)
    diary.write('entered')
    if (!context.redelivered) await gate.promise
  }, 1)
  await at.worker.start()
  await at.send('a')
  await at.diary.has('entered')
  await at.wire.cutAll()
  // It waits in the queue again, or is on its way to the worker that is back, which has no slot.
  await at.diary.has('received a', 2)
  gate.resolve()
  await at.diary.has('succeeded a', 2)
  assert.deepEqual(entered, [false, true])
  await at.worker.close()
  assert.equal((await at.outside.countQueue(at.queue)).messages, 0)
})

test('a warm shutdown finishes what runs and gives back the rest, in order', async () => {
  const gate = Promise.withResolvers<void>()
  await using at = await bench(async (_context, diary) => {
    diary.write('entered')
    await gate.promise
  }, 1)
  await at.worker.start()
  for (const id of ['a', 'b', 'c']) await at.send(id)
  await at.send('later', { eta: new Date(timers.now() + 3_600_000) })
  await at.diary.has('entered')
  const closing = at.worker.close()
  gate.resolve()
  await closing
  const left = new Inbox()
  await at.outside.consume(at.queue, { prefetch: 0 }, left.receive)
  await left.has(3)
  assert.deepEqual(
    left.deliveries.map((delivery) => delivery.headers['id']),
    ['b', 'c', 'later'],
  )
  assert.deepEqual(
    at.diary.lines.filter((line) => line.startsWith('succeeded')),
    ['succeeded a'],
  )
})
