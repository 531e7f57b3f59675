import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Push, PushOutcome } from '#src/ports/push-gateway.ts'
import type { Status } from '#test/support/notification-outcomes.ts'
import { staff } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toAll, toUsers } from '#test/support/notifications-api.ts'

const PAGE = 32
const { api, admin, people, ways } = await notificationsWorld({ customers: 3 * PAGE })

const RETRY: PushOutcome = { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }

async function auditOf(id: string) {
  const { db } = api.database
  const rows = await db
    .selectFrom('audit_entry')
    .select(['actor_id', 'action'])
    .where('subject_id', '=', id)
    .where('action', '=', 'notification.cancel')
    .execute()
  return rows.map((row) => row.actor_id)
}

/** Whatever comes later, nothing leaves any more and nothing changes. */
async function assertOver(id: string, left: number): Promise<void> {
  const ended = await api.status(id)
  assert.equal(ended.state, 'cancelled')
  assert.deepEqual([ended.rate_per_minute, ended.estimated_done_at, ended.counts.retrying], [null, null, 0])
  for (let minute = 0; minute < 70; minute += 10) {
    await api.time.pass(600_000)
    await api.runDue()
  }
  assert.equal(api.pushesOf(id).length, left)
  assert.deepEqual(await api.status(id), ended)
}

const outcomes = ({ counts }: Status): number =>
  counts.sent + counts.failed + counts.dead_tokens + counts.muted + counts.expired

for (const [way, body] of ways) {
  test(`${way}: cancelled before it starts, nobody hears of it`, async () => {
    const { id } = await api.accepted(admin, body({ send_at: new Date(api.time.now() + 60_000).toISOString() }))
    const answer = await api.cancel(admin, id)
    assert.equal(answer.statusCode, 200, answer.body)
    const status = answer.json<Status>()
    assert.deepEqual([status.state, status.counts.devices], ['cancelled', 0])
    assert.equal(status.cancelled_at, new Date(api.time.now()).toISOString())
    await assertOver(id, 0)
    const [reader = ''] = people
    const inbox = await api.get({ id: reader, role: 'customer' }, `/api/users/${reader}/notifications`)
    assert.ok(!inbox.body.includes(id))
  })

  test(`${way}: cancelled between two pages, the next one is not sent`, async () => {
    const { id } = await api.accepted(admin, body())
    let cancelled: Promise<unknown> | undefined
    let left = 0
    const push = gatewayOf(async () => {
      left += 1
      if (left === PAGE) cancelled = api.cancel(admin, id)
      await cancelled
      return { state: 'sent', providerId: 'p' }
    })
    await api.runDue({ push })
    assert.equal(left, PAGE)
    const status = await api.status(id)
    assert.deepEqual([status.counts.sent, outcomes(status), status.counts.devices], [PAGE, PAGE, people.length])
    await assertOver(id, 0)
  })

  test(`${way}: pushes that wait for the quota when it is cancelled are given up within two seconds`, async () => {
    const { id } = await api.accepted(admin, body())
    const { promise: allWait, resolve: waiting } = Promise.withResolvers<void>()
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    let asked = 0
    const push = gatewayOf((_push: Push, signal) => {
      asked += 1
      if (asked === PAGE) waiting()
      return new Promise((resolve) => {
        signal?.addEventListener('abort', () => {
          stop()
          resolve({ state: 'retry', reason: 'ABORTED', afterMs: 10_000, maybeSent: false })
        })
      })
    })
    const running = api.runDue({ push })
    await allWait
    assert.equal((await api.cancel(admin, id)).statusCode, 200)
    await api.time.pass(2_000)
    await stopped
    await running
    assert.equal(asked, PAGE, 'it went on with the next page')
    const status = await api.status(id)
    assert.deepEqual([status.counts.sent, status.counts.failed], [0, PAGE])
    await assertOver(id, 0)
  })

  test(`${way}: cancelled while devices wait for another attempt, they get none and count as failed`, async () => {
    api.script = ({ target }) => (people.indexOf(target.value) % 2 === 0 ? RETRY : undefined)
    const { id } = await api.accepted(admin, body())
    await api.runDue()
    api.script = undefined
    assert.equal((await api.cancel(admin, id)).statusCode, 200)
    const status = await api.status(id)
    const half = people.length / 2
    assert.deepEqual([status.counts.sent, status.counts.failed, outcomes(status)], [half, half, people.length])
    await assertOver(id, people.length)
  })

  test(`${way}: cancelled between its chunks, none of the rest is sent`, async () => {
    const { id } = await api.accepted(admin, body())
    const start = await api.nextTask()
    await api.run(start, { chunkSize: 10 })
    const chunks = await api.publishDue()
    assert.equal(chunks.length, Math.ceil(people.length / 10))
    for (const chunk of chunks.slice(0, 3)) await api.run(chunk)
    assert.equal((await api.cancel(admin, id)).statusCode, 200)
    for (const task of [...chunks, start]) assert.deepEqual(await api.run(task), { notification_id: id, worked: false })
    assert.equal(outcomes(await api.status(id)), 30)
    await assertOver(id, 30)
  })
}

test('a fan-out that is under way ends with the cancelling', async () => {
  const { id } = await api.accepted(admin, toAll())
  const start = await api.nextTask()
  assert.equal((await api.cancel(admin, id)).statusCode, 200)
  assert.deepEqual(await api.run(start, { chunkSize: 10 }), { notification_id: id, worked: false })
  const fanOut = { ...start, kwargs: { notification_id: id, fan_out: true } }
  assert.deepEqual(await api.run(fanOut, { chunkSize: 10 }), { notification_id: id, worked: false })
  assert.deepEqual(await api.runDue(), [])
  const chunks = await api.database.db
    .selectFrom('notification_chunk')
    .select('number')
    .where('notification_id', '=', id)
    .execute()
  assert.deepEqual(chunks, [])
})

test('what was sent to everybody cannot be cancelled', async () => {
  const { id } = await api.accepted(admin, toAll())
  await api.runDue()
  const answer = await api.cancel(admin, id)
  assert.equal(answer.statusCode, 409)
  assert.equal(answer.json<{ code: string }>().code, 'notifications/already-done')
  assert.equal((await api.status(id)).state, 'done')
  assert.deepEqual(await auditOf(id), [])
})

test('cancelling twice is cancelling once, and the audit log says who did', async () => {
  const { id } = await api.accepted(admin, toAll())
  const colleague = await staff(api.database, 'admin')
  const first = await api.cancel(colleague, id)
  await api.time.pass(1_000)
  const second = await api.cancel(admin, id)
  assert.deepEqual([first.statusCode, second.statusCode], [200, 200])
  assert.deepEqual(second.json(), first.json())
  assert.deepEqual(await auditOf(id), [colleague.id])
})

test('several who cancel at once, while it starts, are all told the same', async () => {
  const { id } = await api.accepted(admin, toAll())
  const start = await api.nextTask()
  const cancelled = Promise.withResolvers<void>()
  const push = gatewayOf(async () => {
    await cancelled.promise
    return { state: 'sent', providerId: 'p' }
  })
  const running = api.run(start, { push })
  const answers = await Promise.all(Array.from({ length: 5 }, () => api.cancel(admin, id)))
  cancelled.resolve()
  await running
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.deepEqual(await auditOf(id), [admin.id])
  await assertOver(id, 0)
})

test('whoever did not send it cannot cancel it, nor learn that it exists', async () => {
  const service = await staff(api.database, 'service')
  const { id } = await api.accepted(service, toUsers(people))
  const stranger = await staff(api.database, 'service')
  for (const other of [id, crypto.randomUUID()]) assert.equal((await api.cancel(stranger, other)).statusCode, 404)
  assert.equal((await api.status(id)).state, 'queued')
  assert.equal((await api.cancel(service, id)).statusCode, 200)
})
