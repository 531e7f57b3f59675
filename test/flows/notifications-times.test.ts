import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDeviceEach, manyCustomers, removeCustomers } from '#test/support/notification-people.ts'
import { notificationsWorld, toAll } from '#test/support/notifications-api.ts'

/** Not before `send_at`, not after `expires_at`. */

const { api, admin, people, ways } = await notificationsWorld({ customers: 3 })

const DAY_MS = 86_400_000
const inMs = (ms: number): string => new Date(api.time.now() + ms).toISOString()

async function inbox(): Promise<string[]> {
  const [reader = ''] = people
  const answer = await api.get({ id: reader, role: 'customer' }, `/api/users/${reader}/notifications`)
  return answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id)
}

async function refused(body: object, code: string): Promise<void> {
  const answer = await api.send(admin, body)
  assert.equal(answer.statusCode, 422, answer.body)
  assert.equal(answer.json<{ code: string }>().code, code)
}

for (const [way, body] of ways) {
  test(`${way}: neither pushed nor in the inbox before send_at, both from then on`, async () => {
    const { id } = await api.accepted(admin, body({ send_at: inMs(DAY_MS) }))
    assert.deepEqual(await api.runDue(), [])
    await api.time.pass(DAY_MS - 1)
    assert.deepEqual(await api.runDue(), [])
    assert.ok(!(await inbox()).includes(id))
    assert.equal((await api.status(id)).state, 'queued')
    await api.time.pass(1)
    await api.runDue()
    assert.equal(api.pushesOf(id).length, 3)
    assert.ok((await inbox()).includes(id))
    const { state, first_sent_at: firstSentAt, send_at: sendAt } = await api.status(id)
    assert.deepEqual([state, firstSentAt], ['done', sendAt])
  })

  test(`${way}: a worker whose clock is behind sends nothing early, and loses nothing`, async () => {
    const { id } = await api.accepted(admin, body({}))
    const start = await api.nextTask()
    const behind = { now: () => api.time.now() - 3_000, after: api.time.after.bind(api.time) }
    assert.deepEqual(await api.run(start, { timers: behind }), { notification_id: id, worked: false })
    assert.deepEqual(api.pushesOf(id), [])
    const ran = await api.runDue()
    assert.equal(ran[0]?.taskId, start.taskId)
    assert.equal(api.pushesOf(id).length, 3)
    assert.equal((await api.status(id)).state, 'done')
  })

  test(`${way}: a past send_at is now; what is planned too far ahead is refused`, async () => {
    const { id } = await api.accepted(admin, body({ send_at: inMs(-DAY_MS) }))
    const { send_at: sendAt } = await api.status(id)
    assert.equal(sendAt, inMs(0))
    await api.runDue()
    assert.equal(api.pushesOf(id).length, 3)
    await api.accepted(admin, body({ send_at: inMs(90 * DAY_MS) }))
    await refused(body({ send_at: inMs(90 * DAY_MS + 1) }), 'notifications/send-at-too-far')
  })

  test(`${way}: expires_at comes after send_at, and after now`, async () => {
    const code = 'notifications/expires-too-early'
    await refused(body({ expires_at: inMs(0) }), code)
    await refused(body({ expires_at: inMs(-1), send_at: inMs(-2) }), code)
    await refused(body({ expires_at: inMs(DAY_MS), send_at: inMs(DAY_MS) }), code)
    await api.accepted(admin, body({ expires_at: inMs(1) }))
    await api.accepted(admin, body({ expires_at: inMs(DAY_MS + 1), send_at: inMs(DAY_MS) }))
    await api.time.pass(2 * DAY_MS)
    await api.runDue()
  })

  test(`${way}: what has expired before its turn is counted, and not pushed`, async () => {
    const { id } = await api.accepted(admin, body({ expires_at: inMs(60_000) }))
    await api.time.pass(60_000)
    await api.runDue()
    assert.deepEqual(api.pushesOf(id), [])
    const { state, counts, first_sent_at: firstSentAt } = await api.status(id)
    assert.deepEqual([state, counts.devices, counts.expired, firstSentAt], ['done', 3, 3, null])
    assert.ok((await inbox()).includes(id), 'in the inbox it is all the same')
  })

  test(`${way}: FCM keeps it no longer than it is wanted, and nothing is tried again past that`, async () => {
    const leftAt: { readonly at: number; readonly until: number | undefined }[] = []
    api.script = (push) => {
      leftAt.push({ at: api.time.now(), until: push.expiresAt?.getTime() })
      return { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
    }
    const expiresAt = api.time.now() + 10 * 60_000
    const { id } = await api.accepted(admin, body({ expires_at: new Date(expiresAt).toISOString() }))
    for (let step = 0; step < 90; step += 1) {
      await api.runDue()
      await api.time.pass(10_000)
    }
    assert.ok(leftAt.length > 3 * 3)
    for (const { at, until } of leftAt) {
      assert.ok(at < expiresAt, 'it was tried after it had expired')
      assert.equal(until, expiresAt)
    }
    const { state, counts } = await api.status(id)
    assert.deepEqual([state, counts.failed, counts.retrying], ['done', 3, 0])
  })
}

test('a broadcast of another day is for those who are customers by then', async () => {
  const { id } = await api.accepted(admin, toAll({ send_at: inMs(DAY_MS) }))
  assert.equal((await api.status(id)).counts.recipients, 3)
  await removeCustomers(api.database)
  await manyCustomers(api.database, 200)
  await aDeviceEach(api.database)
  await api.time.pass(DAY_MS)
  await api.runDue()
  const { state, counts } = await api.status(id)
  assert.deepEqual([state, counts.recipients, counts.sent], ['done', 200, 200])
})
