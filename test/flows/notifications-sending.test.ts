import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recorderGateway } from '#src/adapters/push/memory.ts'
import type { Push } from '#src/ports/push-gateway.ts'
import { countsOf, deliveriesOf } from '#test/support/notification-outcomes.ts'
import { aDevice, aPerson } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toUser, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld()

test('what is accepted is pushed to the device, counted and in the inbox', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id, 'token of awa')
  const answer = await api.accepted(
    admin,
    toUser(awa.id, { type: 'outage', data: { zone: 'Médina' }, priority: 'urgent' }),
  )
  const { id } = answer
  assert.deepEqual(
    { ...answer, id: '', task_id: '' },
    { id: '', task_id: '', queue: 'urgent', state: 'queued', status_url: `/api/notifications/${id}` },
  )
  assert.equal((await api.status(id)).state, 'queued')
  const [task] = await api.runDue()
  assert.equal(task?.taskId, answer.task_id)
  const [push, ...others] = api.pushesOf(id)
  assert.deepEqual(others, [])
  assert.deepEqual(
    { ...push, messageId: '' },
    {
      messageId: '',
      target: { kind: 'token', value: 'token of awa' },
      title: 'Coupure programmée',
      body: 'Demain de 8 h à 14 h.',
      data: { zone: 'Médina', notification_id: id, type: 'outage' },
      urgency: 'high',
      ttlMs: 24 * 3_600_000,
      link: `samaconso://notifications/${id}`,
      lane: 'urgent',
    },
  )
  const now = new Date(api.time.now()).toISOString()
  assert.deepEqual(await api.status(id), {
    id,
    state: 'done',
    counts: countsOf({ recipients: 1, recipients_done: 1, devices: 1, sent: 1 }),
    rate_per_minute: null,
    estimated_done_at: null,
    queued_at: now,
    send_at: now,
    expires_at: null,
    first_sent_at: now,
    done_at: now,
    cancelled_at: null,
  })
})

test('the priority alone chooses queue and task, and messages carry nothing but the id', async () => {
  const awa = await aPerson(api.database)
  const lanes = {
    urgent: ['urgent', 'send_urgent_notification', 9],
    high: ['high_priority', 'send_batch_notifications', 7],
    normal: ['normal', 'send_single_notification', 5],
    low: ['low_priority', 'send_broadcast_notifications', 3],
  }
  for (const [priority, lane] of Object.entries(lanes)) {
    const { id, queue } = await api.accepted(admin, toUsers([awa.id], { priority }))
    const [task] = await api.runDue()
    assert.deepEqual([task?.queue, task?.task, task?.priority], lane)
    assert.equal(queue, task?.queue)
    assert.deepEqual(task?.kwargs, { notification_id: id })
  }
})

test('someone without a device has it in the inbox, and it is done', async () => {
  const awa = await aPerson(api.database)
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  const { state, counts, first_sent_at: firstSentAt } = await api.status(id)
  assert.equal(state, 'done')
  assert.deepEqual(counts, countsOf({ recipients: 1, recipients_done: 1 }))
  assert.equal(firstSentAt, null)
})

test('a task that is delivered twice pushes once, one after the other and at the same time', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => aPerson(api.database)))
  for (const { id } of people) await aDevice(api.database, id)
  const { id } = await api.accepted(admin, toUsers(people.map((person) => person.id)))
  const task = await api.nextTask()
  await Promise.all([api.run(task), api.run(task)])
  await api.run(task)
  assert.equal(api.pushesOf(id).length, 5)
  assert.equal(new Set(api.pushesOf(id).map((push) => push.messageId)).size, 5)
  await api.runDue()
  assert.equal((await api.status(id)).counts.sent, 5)
})

test('a worker that dies between push and record: sent again with the same message id, noted as a possible duplicate', async () => {
  const [awa, moussa] = [await aPerson(api.database), await aPerson(api.database)]
  for (const { id } of [awa, moussa]) await aDevice(api.database, id)
  const { id } = await api.accepted(admin, toUsers([awa.id, moussa.id]))
  const task = await api.nextTask()
  const left: Push[] = []
  const { promise: allLeft, resolve } = Promise.withResolvers<void>()
  const deadWorker = gatewayOf((push) => (left.push(push) === 2 && resolve(), new Promise<never>(() => {})))
  void api.run(task, { push: deadWorker })
  await allLeft

  await api.run(task)
  assert.deepEqual(api.pushesOf(id), [], 'whoever sends is not known to be dead yet')
  assert.equal((await api.status(id)).state, 'sending')
  await api.time.pass(30_000)
  await api.runDue()
  assert.deepEqual(new Set(api.pushesOf(id).map((push) => push.messageId)), new Set(left.map((push) => push.messageId)))
  const rows = await deliveriesOf(api.database, id)
  assert.deepEqual(
    rows.map(({ state, attempts, maybe_duplicate }) => ({ state, attempts, maybe_duplicate })),
    Array.from({ length: 2 }, () => ({ state: 'sent', attempts: 2, maybe_duplicate: true })),
  )
  assert.equal((await api.status(id)).state, 'done')
})

test('a gateway that throws is an unknown outcome: tried again, noted, never lost', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  api.script = () => {
    throw new Error('a bug of the gateway')
  }
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.equal((await api.status(id)).counts.retrying, 1)
  assert.match(api.log.text(), /a bug of the gateway/)
  api.script = undefined
  await api.time.pass(10_000)
  await api.runDue()
  assert.equal((await api.status(id)).counts.sent, 1)
  const [row] = await deliveriesOf(api.database, id)
  assert.equal(row?.maybe_duplicate, true)
})

test('a dead target is taken from its device, unless the device has another by then', async () => {
  const [awa, moussa] = [await aPerson(api.database), await aPerson(api.database)]
  await aDevice(api.database, awa.id, 'dead')
  const renewed = await aDevice(api.database, moussa.id, 'dead too')
  const { db } = api.database
  const { promise: isRenewed, resolve } = Promise.withResolvers<void>()
  const push = gatewayOf(async ({ target }) => {
    if (target.value === 'dead too') {
      await db.updateTable('device').set({ target: 'new' }).where('id', '=', renewed).execute()
      resolve()
    }
    await isRenewed
    return { state: 'dead_target', reason: 'UNREGISTERED' }
  })
  const { id } = await api.accepted(admin, toUsers([awa.id, moussa.id]))
  await api.runDue({ push })
  const targets = await db
    .selectFrom('device')
    .select(['account_id', 'target', 'target_kind'])
    .where('account_id', 'in', [awa.id, moussa.id])
    .execute()
  assert.deepEqual(
    new Map(targets.map((row) => [row.account_id, row.target])),
    new Map([
      [awa.id, null],
      [moussa.id, 'new'],
    ]),
  )
  const { state, counts } = await api.status(id)
  assert.equal(state, 'done')
  assert.deepEqual(counts, countsOf({ recipients: 2, recipients_done: 2, devices: 2, dead_tokens: 2 }))
})

test('a refused message keeps the target; a refused target is set aside until its app reports in again', async () => {
  const awa = await aPerson(api.database)
  const device = await aDevice(api.database, awa.id, 'of another project')
  const { db } = api.database
  api.script = () => ({ state: 'refused', reason: 'INVALID_ARGUMENT' })
  const first = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.deepEqual([(await api.status(first.id)).counts.failed, api.pushesOf(first.id).length], [1, 1])
  api.script = () => ({ state: 'refused', reason: 'SENDER_ID_MISMATCH', quarantine: true })
  const second = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.deepEqual([(await api.status(second.id)).counts.failed, api.pushesOf(second.id).length], [1, 1])
  api.script = undefined
  const third = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.deepEqual([(await api.status(third.id)).counts.devices, api.pushesOf(third.id).length], [0, 0])
  const row = await db.selectFrom('device').select('target').where('id', '=', device).executeTakeFirst()
  assert.equal(row?.target, 'of another project')
  await api.time.pass(1_000)
  await db
    .updateTable('device')
    .set({ target_renewed_at: new Date(api.time.now()) })
    .where('id', '=', device)
    .execute()
  const fourth = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.equal((await api.status(fourth.id)).counts.sent, 1)
})

test('a target set aside while another attempt waits is not sent to again, unless its app has reported in since', async () => {
  const [awa, moussa] = [await aPerson(api.database), await aPerson(api.database)]
  for (const { id } of [awa, moussa]) await aDevice(api.database, id, id)
  api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 60_000, maybeSent: false })
  const first = await api.accepted(admin, toUsers([awa.id, moussa.id]))
  await api.runDue()
  api.script = () => ({ state: 'refused', reason: 'SENDER_ID_MISMATCH', quarantine: true })
  await api.accepted(admin, toUsers([awa.id, moussa.id]))
  await api.runDue()
  api.script = undefined
  await api.time.pass(60_000)
  const renewed = { target_renewed_at: new Date(api.time.now()) }
  await api.database.db.updateTable('device').set(renewed).where('account_id', '=', moussa.id).execute()
  await api.runDue()
  const again = api.pushesOf(first.id).slice(2)
  assert.deepEqual(
    again.map(({ target }) => target.value),
    [moussa.id],
  )
  const { state, counts } = await api.status(first.id)
  assert.deepEqual([state, counts.sent, counts.failed], ['done', 1, 1])
})

test('what must wait waits as long as it was told, then is sent', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  api.script = () => ({
    state: 'retry',
    reason: 'QUOTA_EXCEEDED',
    afterMs: 60_000,
    maybeSent: false,
    overQuota: 'project',
  })
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.deepEqual(
    (await api.status(id)).counts,
    countsOf({ recipients: 1, recipients_done: 1, devices: 1, retrying: 1 }),
  )
  api.script = undefined
  await api.time.pass(59_999)
  assert.deepEqual(await api.runDue(), [])
  await api.time.pass(1)
  const [again] = await api.runDue()
  assert.deepEqual([again?.task, again?.queue], ['send_batch_notifications', 'low_priority'])
  assert.equal((await api.status(id)).counts.sent, 1)
  assert.equal(api.pushesOf(id).length, 2)
})

test('given up after an hour of failures, at growing intervals', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  const at: number[] = []
  api.script = () => {
    at.push(api.time.now())
    return { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
  }
  const { id } = await api.accepted(admin, toUser(awa.id, { priority: 'urgent' }))
  for (let step = 0; step <= 61 * 6; step += 1) {
    for (const task of await api.runDue()) assert.notEqual(task.queue, at.length > 1 ? 'urgent' : '')
    await api.time.pass(10_000)
  }
  const gaps = at.slice(1).map((time, index) => (time - (at[index] ?? 0)) / 1_000)
  assert.deepEqual(gaps, [10, 20, 40, 80, 160, 320, 600, 600, 600, 600])
  const { state, counts } = await api.status(id)
  assert.equal(state, 'done')
  assert.equal(counts.failed, 1)
  const [row] = await deliveriesOf(api.database, id)
  assert.equal(row?.reason, 'given up: UNAVAILABLE')
})

test('a gateway that cannot be used holds everything back, for hours if need be, and loses nothing', async () => {
  const [awa, moussa] = [await aPerson(api.database), await aPerson(api.database)]
  for (const { id } of [awa, moussa]) await aDevice(api.database, id)
  const { id } = await api.accepted(admin, toUsers([awa.id, moussa.id]))
  const closed = recorderGateway()
  await closed[Symbol.asyncDispose]()
  for (let hours = 0; hours < 3; hours += 1) {
    await api.runDue({ push: closed })
    await api.time.pass(3_600_000)
  }
  const untouched = await api.status(id)
  assert.equal(untouched.state, 'sending')
  assert.deepEqual(untouched.counts, countsOf({ recipients: 2, recipients_done: 2, devices: 2, held: 2 }))
  assert.match(api.log.text(), /the push gateway cannot be used/)
  await api.runDue()
  assert.equal((await api.status(id)).counts.sent, 2)
  const rows = await deliveriesOf(api.database, id)
  assert.deepEqual(
    rows.map(({ attempts, maybe_duplicate }) => ({ attempts, maybe_duplicate })),
    Array.from({ length: 2 }, () => ({ attempts: 1, maybe_duplicate: false })),
  )
})

test('a device that was to be tried again when the gateway broke is tried when it is back', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false })
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  await api.time.pass(10_000)
  const closed = recorderGateway()
  await closed[Symbol.asyncDispose]()
  await api.runDue({ push: closed })
  assert.equal((await api.status(id)).counts.retrying, 1)
  api.script = undefined
  await api.time.pass(30_000)
  await api.runDue()
  assert.equal((await api.status(id)).counts.sent, 1)
})

test('a large audience goes in chunks, each once, never on the urgent queue', async () => {
  const people = await Promise.all(Array.from({ length: 25 }, () => aPerson(api.database)))
  for (const { id } of people) await aDevice(api.database, id)
  const ids = people.map((person) => person.id)
  for (const [priority, queue] of [
    ['urgent', 'high_priority'],
    ['low', 'low_priority'],
  ] as const) {
    const { id } = await api.accepted(admin, toUsers(ids, { priority }))
    const [start, ...chunks] = await api.runDue({ chunkSize: 10 })
    assert.ok(start)
    assert.deepEqual(
      chunks.map((task) => [task.task, task.queue]),
      Array.from({ length: 3 }, () => ['send_batch_notifications', queue]),
    )
    assert.deepEqual(
      chunks.map((task) => task.kwargs['chunk']),
      [1, 2, 3],
    )
    for (const task of [start, ...chunks]) await api.run(task, { chunkSize: 10 })
    assert.equal(api.pushesOf(id).length, 25)
    const { state, counts } = await api.status(id)
    assert.equal(state, 'done')
    assert.deepEqual([counts.recipients, counts.devices, counts.sent], [25, 25, 25])
  }
})

test('more devices than one claim takes are all sent to', async () => {
  const awa = await aPerson(api.database)
  for (let count = 0; count < 130; count += 1) await aDevice(api.database, awa.id)
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  const { state, counts } = await api.status(id)
  assert.deepEqual([state, counts.sent, api.pushesOf(id).length], ['done', 130, 130])
})

test('when many are due at once, each task takes some hundred and leaves the rest to the next', async () => {
  const awa = await aPerson(api.database)
  for (let count = 0; count < 300; count += 1) await aDevice(api.database, awa.id)
  api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false })
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  api.script = undefined
  await api.time.pass(10_000)
  const tasks = await api.runDue()
  assert.deepEqual(
    tasks.map((task) => task.kwargs['follow_up']),
    [true, true],
  )
  assert.equal((await api.status(id)).counts.sent, 300)
})

test('arguments that name no notification are refused, a notification that is gone is nothing to do', async () => {
  const task = { taskId: 'x', task: 'send_single_notification', queue: 'normal', priority: 5 }
  for (const kwargs of [
    {},
    { notification_id: 'x' },
    { notification_id: admin.id, chunk: '1' },
    { notification_id: admin.id, follow_up: 1 },
  ]) {
    await assert.rejects(async () => api.run({ ...task, kwargs } as never), { code: 'notifications/invalid-task' })
  }
  const result = await api.run({ ...task, kwargs: { notification_id: admin.id } })
  assert.deepEqual(result, { notification_id: admin.id, worked: false })
})
