import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { requeueUnfinished } from '#src/modules/notifications/sending/unfinished.ts'
import { deliveriesOf } from '#test/support/notification-outcomes.ts'
import { aPreference } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld } from '#test/support/notifications-api.ts'

/** What its readers want to be pushed, and when. The clock of these tests begins at 10:00 in Dakar. */

const { api, admin, people, ways } = await notificationsWorld({ customers: 2 })

const HOUR_MS = 3_600_000
let awa: string
let moussa: string
beforeEach(() => {
  ;[awa = '', moussa = ''] = people
})

const pushedTo = (id: string): string[] => api.pushesOf(id).map(({ target }) => target.value)
/** `HH:MM` in Dakar, so many hours from now. */
const inHours = (hours: number): string => new Date(api.time.now() + hours * HOUR_MS).toISOString().slice(11, 16)

async function inboxOf(person: string): Promise<string[]> {
  const answer = await api.get({ id: person, role: 'customer' }, `/api/users/${person}/notifications`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id)
}

for (const [way, body] of ways) {
  test(`${way}: a muted type is counted and in the inbox, and not pushed; other types are`, async () => {
    await aPreference(api.database, awa, { muted: ['bill'] })
    const bill = await api.accepted(admin, body({ type: 'bill' }))
    const outage = await api.accepted(admin, body({ type: 'outage' }))
    await api.runDue()
    assert.deepEqual(pushedTo(bill.id), [moussa])
    assert.equal(pushedTo(outage.id).length, 2)
    const { state, counts } = await api.status(bill.id)
    assert.equal(state, 'done')
    assert.deepEqual([counts.devices, counts.sent, counts.muted], [2, 1, 1])
    for (const { id } of [bill, outage]) assert.ok((await inboxOf(awa)).includes(id))
  })

  test(`${way}: what nobody may mute is pushed, and so is everything urgent, at any hour`, async () => {
    await aPreference(api.database, awa, { muted: ['account', 'general'], quiet: [inHours(-1), inHours(1)] })
    const urgent = await api.accepted(admin, body({ priority: 'urgent' }))
    await api.runDue()
    assert.equal(pushedTo(urgent.id).length, 2)
    await api.time.pass(HOUR_MS)
    const ofAccount = await api.accepted(admin, body({ type: 'account' }))
    await api.runDue()
    assert.equal(pushedTo(ofAccount.id).length, 2)
    assert.equal((await api.status(ofAccount.id)).counts.muted, 0)
  })

  test(`${way}: in quiet hours it is held, and pushed when they end; its hour of attempts counts from then`, async () => {
    await aPreference(api.database, awa, { quiet: [inHours(-1), inHours(8)] })
    const { id } = await api.accepted(admin, body({ priority: 'high' }))
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa])
    assert.ok((await inboxOf(awa)).includes(id), 'the inbox does not wait')
    const held = await api.status(id)
    assert.deepEqual([held.state, held.counts.held, held.counts.devices], ['sending', 1, 2])
    await api.time.pass(8 * HOUR_MS - 1)
    await api.runDue()
    assert.equal(pushedTo(id).length, 1)

    api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 50 * 60_000, maybeSent: false })
    await api.time.pass(1)
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa, awa])
    assert.equal((await api.status(id)).counts.retrying, 1)
    api.script = undefined
    await api.time.pass(50 * 60_000)
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa, awa, awa])
    const { state, counts } = await api.status(id)
    assert.deepEqual([state, counts.sent, counts.held], ['done', 2, 0])
  })

  test(`${way}: what would be held past its expiry is expired at once`, async () => {
    await aPreference(api.database, awa, { quiet: [inHours(-1), inHours(8)] })
    const expiresAt = new Date(api.time.now() + 8 * HOUR_MS - 60_000).toISOString()
    const { id } = await api.accepted(admin, body({ expires_at: expiresAt }))
    await api.runDue()
    const { state, counts } = await api.status(id)
    assert.equal(state, 'done')
    assert.deepEqual([counts.devices, counts.sent, counts.expired, counts.held], [2, 1, 1, 0])
    await api.time.pass(9 * HOUR_MS)
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa])
  })

  test(`${way}: what was held and could not be sent before its expiry is not sent after it`, async () => {
    await aPreference(api.database, awa, { quiet: [inHours(-1), inHours(1)] })
    const expiresAt = new Date(api.time.now() + 2 * HOUR_MS).toISOString()
    const { id } = await api.accepted(admin, body({ expires_at: expiresAt }))
    await api.runDue()
    await api.time.pass(2 * HOUR_MS)
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa])
    const { state, counts } = await api.status(id)
    assert.equal(state, 'done')
    assert.deepEqual([counts.devices, counts.sent, counts.expired, counts.failed, counts.held], [2, 1, 1, 0, 0])
    const reasons = (await deliveriesOf(api.database, id)).flatMap(({ reason }) => reason ?? [])
    assert.deepEqual(reasons, ['not tried before it expired'])
  })

  test(`${way}: held past its expiry after a worker that may have sent it, it counts as failed`, async () => {
    const expiresAt = new Date(api.time.now() + 2 * HOUR_MS).toISOString()
    const { id } = await api.accepted(admin, body({ expires_at: expiresAt }))
    const { promise: allLeft, resolve } = Promise.withResolvers<void>()
    let left = 0
    const push = gatewayOf(() => ((left += 1) === 2 && resolve(), new Promise<never>(() => {})))
    void api.runDue({ push, timers: api.time.ofProcess(() => left === 2) })
    await allLeft
    await aPreference(api.database, awa, { quiet: [inHours(-1), inHours(1)] })
    await api.time.pass(HOUR_MS / 2)
    await requeueUnfinished(api.database.db, api.time.now, { isAlone: true })
    await api.runDue()
    assert.equal((await api.status(id)).counts.held, 1)
    await api.time.pass(1.5 * HOUR_MS)
    await api.runDue()
    assert.deepEqual(pushedTo(id), [moussa])
    const { state, counts } = await api.status(id)
    assert.deepEqual([state, counts.sent, counts.failed, counts.expired], ['done', 1, 1, 0])
  })

  test(`${way}: another attempt that would fall into quiet hours waits for their end`, async () => {
    await aPreference(api.database, awa, { quiet: [inHours(0.25), inHours(8)] })
    api.script = () => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs: 20 * 60_000, maybeSent: false })
    const { id } = await api.accepted(admin, body({}))
    await api.runDue()
    api.script = undefined
    await api.time.pass(20 * 60_000)
    await api.runDue()
    assert.deepEqual(pushedTo(id).toSorted(), [awa, moussa, moussa].toSorted())
    const held = await api.status(id)
    assert.deepEqual([held.state, held.counts.held, held.counts.sent], ['sending', 1, 1])
    await api.time.pass(8 * HOUR_MS)
    await api.runDue()
    const { state, counts } = await api.status(id)
    assert.deepEqual([state, counts.sent], ['done', 2])
  })
}
