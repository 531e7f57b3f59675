import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryBroker } from '#src/adapters/broker/memory.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { defineTask } from '#src/celery/task.ts'
import { CeleryWorker } from '#src/celery/worker.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { notificationTasks } from '#src/modules/notifications/sending/tasks.ts'
import { OutboxPublisher } from '#src/modules/outbox/publisher.ts'
import type { Push, PushOutcome } from '#src/ports/push-gateway.ts'
import { countsOf } from '#test/support/notification-outcomes.ts'
import { aDevice, aPerson } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld()

const QUEUES = ['urgent', 'high_priority', 'normal', 'low_priority']

/** Outbox, broker and a worker of all queues, as one process runs them. */
async function startWorld(send: (push: Push, signal?: AbortSignal) => Promise<PushOutcome>) {
  const opened = new CloseStack(createLogger('fatal'))
  const { log } = api.log
  const { db } = api.database
  const timers = api.time
  const broker = memoryBroker()
  const client = new CeleryClient({ broker: opened.use('connection', broker.connect()), clock: timers.now })
  const publisher = new OutboxPublisher({
    db,
    timers,
    log,
    sendTask: async ({ taskId, ...task }) => void (await client.sendTask({ ...task, id: taskId })),
  })
  opened.add('outbox', publisher)
  const finished = new Map<string, PromiseWithResolvers<unknown>>()
  const finish = (taskId: string) => {
    const waiting = finished.get(taskId) ?? Promise.withResolvers<unknown>()
    finished.set(taskId, waiting)
    return waiting
  }
  const push = gatewayOf(send)
  const worker = new CeleryWorker({
    broker: opened.use('connection', broker.connect()),
    tasks: notificationTasks({ db, push, timers, log, kick: () => publisher.kick(), chunkSize: 20 }).map(defineTask),
    queues: QUEUES,
    concurrency: 4,
    observers: [{ succeeded: ({ message }, result) => finish(message.envelope.id).resolve(result) }],
    timers,
    log,
  })
  await worker.start()
  opened.add('worker', worker)
  return { publisher, finished: (taskId: string) => finish(taskId).promise, close: () => opened.close() }
}

async function anAudience(size: number): Promise<string[]> {
  const people = await Promise.all(Array.from({ length: size }, () => aPerson(api.database)))
  for (const { id } of people) await aDevice(api.database, id)
  return people.map(({ id }) => id)
}

test('from the request to every device: outbox, Celery messages, a worker, chunks, counts', async () => {
  const audience = await anAudience(50)
  const pushed: Push[] = []
  const { promise: allPushed, resolve } = Promise.withResolvers<void>()
  const world = await startWorld(async (push) => {
    if (pushed.push(push) === 50) resolve()
    return { state: 'sent', providerId: `p${pushed.length}` }
  })
  const { id, task_id: taskId } = await api.accepted(admin, toUsers(audience, { priority: 'high' }))
  world.publisher.kick()
  assert.deepEqual(await world.finished(taskId), { notification_id: id, worked: true })
  await allPushed
  await world.close()
  assert.deepEqual(await api.counts(id), countsOf({ recipients: 50, recipients_done: 50, devices: 50, sent: 50 }))
  assert.equal(new Set(pushed.map(({ target }) => target.value)).size, 50)
})

test('each priority finds its way through the worker', async () => {
  const audience = await anAudience(1)
  const world = await startWorld(async () => ({ state: 'sent', providerId: 'p' }))
  for (const priority of ['urgent', 'high', 'normal', 'low']) {
    const { id, task_id: taskId } = await api.accepted(admin, toUsers(audience, { priority }))
    world.publisher.kick()
    await world.finished(taskId)
    assert.equal((await api.counts(id)).sent, 1)
  }
  await world.close()
})

test('a database that goes away in mid-task is a retry, not a loss', async () => {
  const [audience, nowhere] = [
    await anAudience(1),
    openDatabase({ url: 'postgresql://127.0.0.1:1/none', log: api.log.log }),
  ]
  const { id } = await api.accepted(admin, toUsers(audience))
  const task = await api.nextTask()
  await assert.rejects(api.run(task, { db: nowhere.db }), {
    code: 'notifications/sending-interrupted',
    kind: 'unavailable',
  })
  await nowhere.close()
  await api.run(task)
  assert.equal((await api.counts(id)).sent, 1)
})

test('a worker that must stop gives the rest back, and what it sent stays sent', async () => {
  const audience = await anAudience(100)
  const { id } = await api.accepted(admin, toUsers(audience))
  const task = await api.nextTask()
  const stop = new AbortController()
  let sent = 0
  const push = gatewayOf(async () => {
    sent += 1
    if (sent === 64) stop.abort(new Error('the worker stops'))
    return { state: 'sent', providerId: 'p' }
  })
  await assert.rejects(api.run(task, { push }, stop.signal), /the worker stops/)
  assert.equal((await api.counts(id)).sent, 64)
  await api.run(task)
  assert.equal((await api.counts(id)).sent, 100)
})
