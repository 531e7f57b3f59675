import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { removeOldMessages } from '#src/modules/inbox/retention.ts'
import type { PublishedTask } from '#src/modules/outbox/publisher.ts'
import type { PushOutcome } from '#src/ports/push-gateway.ts'
import { deliveriesOf } from '#test/support/notification-outcomes.ts'
import { aDeviceEach, aPreference, manyCustomers, removeCustomers } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toAll, toUsers } from '#test/support/notifications-api.ts'

const { api, admin, people, ways } = await notificationsWorld({ customers: 100 })

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const RETRY: PushOutcome = { state: 'retry', reason: 'UNAVAILABLE', afterMs: 60_000, maybeSent: false }

/** Accepted and cut into four chunks, of which none has run. */
async function fourChunks(body: object): Promise<{ id: string; chunks: PublishedTask[] }> {
  const { id } = await api.accepted(admin, body)
  await api.run(await api.nextTask(), { chunkSize: 25 })
  return { id, chunks: await api.publishDue() }
}

const inMs = (ms: number): string => new Date(api.time.now() + ms).toISOString()

for (const [way, body] of ways) {
  test(`${way}: the rate and the likely end are those of the last seconds; there are none when it is done`, async () => {
    const { id, chunks } = await fourChunks(body())
    const [first, second, third, fourth] = chunks
    assert.ok(first && second && third && fourth)
    const told = async () => {
      const { counts, rate_per_minute: rate, estimated_done_at: end, state } = await api.status(id)
      return { state, recipients: counts.recipients_done, sent: counts.sent, rate, end }
    }
    assert.deepEqual(await told(), { state: 'sending', recipients: 0, sent: 0, rate: 0, end: null })
    await api.run(first)
    await api.time.pass(5_000)
    await api.run(second)
    // 50 in 5 s, and as many are left.
    assert.deepEqual(await told(), { state: 'sending', recipients: 50, sent: 50, rate: 600, end: inMs(5_000) })
    await api.time.pass(20_000)
    assert.deepEqual(await told(), { state: 'sending', recipients: 50, sent: 50, rate: 0, end: null })
    await api.run(third)
    // 25 in the 15 s that are looked at, and as many are left.
    assert.deepEqual(await told(), { state: 'sending', recipients: 75, sent: 75, rate: 100, end: inMs(15_000) })
    await api.run(fourth)
    assert.deepEqual(await told(), { state: 'done', recipients: 100, sent: 100, rate: null, end: null })
  })

  test(`${way}: when only later attempts are left, it ends with the last of them`, async () => {
    const [late = ''] = people
    const startMs = api.time.now()
    const quietEnd = `${inMs(13 * 3_600_000).slice(0, 16)}:00.000Z`
    await aPreference(api.database, late, { quiet: [inMs(-60_000).slice(11, 16), quietEnd.slice(11, 16)] })
    api.script = ({ target }) => (target.value === people[1] ? RETRY : undefined)
    const { id } = await api.accepted(admin, body())
    await api.runDue()
    const running = await api.status(id)
    assert.deepEqual([running.counts.retrying, running.counts.held], [1, 1])
    assert.equal(running.estimated_done_at, quietEnd)
    await api.time.pass(Date.parse(quietEnd) - startMs)
    api.script = undefined
    await api.runDue()
    assert.equal((await api.status(id)).state, 'done')
  })
}

const FATES = ['sent', 'dead', 'refused', 'set aside', 'later', 'lost', 'muted', 'quiet'] as const
type Fate = (typeof FATES)[number]

function outcomeOf(fate: Fate, attempt: number): PushOutcome | undefined {
  switch (fate) {
    case 'dead':
      return { state: 'dead_target', reason: 'UNREGISTERED' }
    case 'refused':
      return { state: 'refused', reason: 'INVALID_ARGUMENT' }
    case 'set aside':
      return { state: 'refused', reason: 'SENDER_ID_MISMATCH', quarantine: true }
    case 'later':
      return attempt > 2 ? undefined : RETRY
    case 'lost':
      return { state: 'retry', reason: 'TIMEOUT', afterMs: 10_000, maybeSent: true }
    case 'sent':
    case 'muted':
    case 'quiet':
      return undefined
  }
}

for (const [way, body] of ways) {
  test(`${way}: the counts stay when the outcomes behind them are forgotten, the older first, by several at once`, async () => {
    const { db } = api.database
    const fates = new Map(people.map((person, place) => [person, FATES[place % FATES.length] ?? 'sent']))
    const quiet = [inMs(-60_000).slice(11, 16), inMs(HOUR_MS).slice(11, 16)] as const
    for (const [person, fate] of fates) if (fate === 'quiet') await aPreference(api.database, person, { quiet })
    api.script = ({ target: { value } }) => outcomeOf(fates.get(value) ?? 'sent', 1)
    const ids = [
      (await api.accepted(admin, body({ expires_at: inMs(2 * HOUR_MS) }))).id,
      (await api.accepted(admin, body())).id,
    ]
    await api.runDue()
    const firstAttemptsAt = api.time.now()
    await api.cancel(admin, ids[1] ?? '')
    await api.time.pass(2 * HOUR_MS)
    await api.runDue()

    const left = async () => (await Promise.all(ids.map((id) => deliveriesOf(api.database, id)))).flat().length
    const told = () => Promise.all(ids.map((id) => api.status(id)))
    const [all, before] = [await left(), await told()]
    assert.ok(before.every(({ counts }) => counts.failed > 0))
    for (const name of ['sent', 'dead_tokens', 'expired'] as const) assert.ok((before[0]?.counts[name] ?? 0) > 0, name)
    const forgetUntil = (at: number) =>
      Promise.all(people.slice(0, 4).map(() => removeOldMessages(db, at + 30 * DAY_MS)))
    await forgetUntil(firstAttemptsAt + HOUR_MS)
    const rest = await left()
    assert.ok(rest > 0 && rest < all)
    assert.deepEqual(await told(), before)
    await forgetUntil(api.time.now() + HOUR_MS)
    assert.equal(await left(), 0)
    assert.deepEqual(await told(), before)
  })
}

test('whatever becomes of the devices, the counts say it, and add up to them', async () => {
  const histories = fc.record({
    fates: fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 100 }),
    isBroadcast: fc.boolean(),
    chunkSize: fc.integer({ min: 5, max: 100 }),
  })
  await fc.assert(
    fc.asyncProperty(histories, async ({ fates, isBroadcast, chunkSize }) => {
      await removeCustomers(api.database)
      const everyone = await manyCustomers(api.database, fates.length)
      await aDeviceEach(api.database)
      const fateOf = new Map(everyone.map((person, place) => [person, fates[place] ?? 'sent']))
      const quietFrom = new Date(api.time.now() - 60_000).toISOString().slice(11, 16)
      const quietUntil = new Date(api.time.now() + 3 * 3_600_000).toISOString().slice(11, 16)
      for (const [person, fate] of fateOf) {
        if (fate === 'muted') await aPreference(api.database, person, { muted: ['general'] })
        if (fate === 'quiet') await aPreference(api.database, person, { quiet: [quietFrom, quietUntil] })
      }
      const attempts = new Map<string, number>()
      api.script = ({ target: { value } }) => {
        const attempt = (attempts.get(value) ?? 0) + 1
        attempts.set(value, attempt)
        return outcomeOf(fateOf.get(value) ?? 'sent', attempt)
      }
      const { id } = await api.accepted(admin, isBroadcast ? toAll() : toUsers(everyone))
      const many = (...wanted: Fate[]): number => fates.filter((fate) => wanted.includes(fate)).length
      for (let step = 0; step < 30; step += 1) {
        await api.runDue({ chunkSize })
        const { counts } = await api.status(id)
        const { recipients, recipients_done: recipientsDone, devices, ...outcomes } = counts
        assert.deepEqual([recipients, recipientsDone, devices], [fates.length, fates.length, fates.length])
        assert.equal(
          Object.values(outcomes).reduce((sum, count) => sum + count),
          devices,
        )
        await api.time.pass(7.5 * 60_000)
      }
      const { state, counts } = await api.status(id)
      assert.equal(state, 'done')
      assert.deepEqual(
        [counts.sent, counts.failed, counts.dead_tokens, counts.muted],
        [many('sent', 'later', 'quiet'), many('refused', 'set aside', 'lost'), many('dead'), many('muted')],
      )
    }),
    { numRuns: 8 },
  )
})

test('a device that goes before the chunk is taken over is counted no more', async () => {
  const { id, chunks } = await fourChunks(toAll())
  const [first] = chunks
  assert.ok(first)
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  const push = gatewayOf(() => (die(), new Promise<never>(() => {})))
  void api.run(first, { push })
  await died
  const [gone = ''] = people
  await api.database.db.deleteFrom('device').where('account_id', '=', gone).execute()
  await api.time.pass(30_000)
  for (const chunk of chunks) await api.run(chunk)
  const { state, counts } = await api.status(id)
  assert.deepEqual([state, counts.devices, counts.sent], ['done', 99, 99])
})
