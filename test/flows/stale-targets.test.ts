import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { notificationUpkeep } from '#src/modules/notifications/upkeep.ts'
import { removeStaleTargets } from '#src/modules/notifications/stale-targets.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer } from '#test/support/factories.ts'
import { logIn, post, put } from '#test/support/requests.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 2, 15, 10)

let api: TestApi
let nowMs = START_MS

before(async () => {
  api = await testApi({ clock: () => nowMs })
})
after(() => api[Symbol.asyncDispose]())

const deviceOf = (accountId: string) =>
  api.database.db
    .selectFrom('device')
    .select(['target', 'last_seen_at'])
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow()

const remove = (): Promise<number> => removeStaleTargets(api.database.db, nowMs)

async function aPhoneInUse() {
  const customer = await aCustomer(api.database.db)
  const { phone, pin, id } = customer
  const device = { id: `phone of ${id}`, platform: 'android', push_token: `token of ${id}` }
  return { ...customer, device, session: await logIn(api.server.app, { phone, pin, device }) }
}

test('a device that nobody has used for 270 days loses its target, to the moment', async () => {
  nowMs = START_MS
  const { id } = await aPhoneInUse()
  nowMs += 270 * DAY_MS
  assert.equal(await remove(), 0)
  nowMs += 1
  assert.equal(await remove(), 1)
  assert.equal((await deviceOf(id)).target, null)
  assert.equal(await remove(), 0)
})

test('every way of using the app keeps the target: login, refresh, a renewed target', async () => {
  const { app } = api.server
  nowMs = START_MS
  const [byLogin, byRefresh, byTarget] = [await aPhoneInUse(), await aPhoneInUse(), await aPhoneInUse()]
  // Within the 30 days of a refresh token; a month later each is in use once more.
  nowMs += 29 * DAY_MS
  const { phone, pin, device } = byLogin
  await logIn(app, { phone, pin, device: { id: device.id, platform: 'android' } })
  const { refresh_token } = byRefresh.session
  assert.equal((await post(app, '/api/refresh', { refresh_token })).statusCode, 200)
  const renewed = await post(app, '/api/refresh', { refresh_token: byTarget.session.refresh_token })
  nowMs += 1
  const { access_token } = renewed.json<{ access_token: string }>()
  assert.equal((await put(app, '/api/session/push-target', { push_fid: 'renewed' }, access_token)).statusCode, 204)
  assert.equal((await deviceOf(byTarget.id)).last_seen_at.getTime(), nowMs)
  nowMs = START_MS + (270 + 28) * DAY_MS
  assert.equal(await remove(), 0)
  nowMs += 2 * DAY_MS
  assert.equal(await remove(), 3)
})

test('a refresh writes down that the device was seen, once a day', async () => {
  nowMs = START_MS
  const { id, session } = await aPhoneInUse()
  let token = session.refresh_token
  const seenAfter = async (hours: number): Promise<number> => {
    nowMs = START_MS + hours * 3_600_000
    const answer = await post(api.server.app, '/api/refresh', { refresh_token: token })
    token = answer.json<{ refresh_token: string }>().refresh_token
    return ((await deviceOf(id)).last_seen_at.getTime() - START_MS) / 3_600_000
  }
  assert.deepEqual([await seenAfter(1), await seenAfter(23), await seenAfter(25), await seenAfter(48)], [0, 0, 25, 25])
})

test('a refresh does not wait for a login that holds its device', async () => {
  nowMs = START_MS
  const { id, session } = await aPhoneInUse()
  nowMs += 2 * DAY_MS
  await api.database.db.transaction().execute(async (tx) => {
    await tx.selectFrom('device').select('id').where('account_id', '=', id).forUpdate().execute()
    const { statusCode } = await post(api.server.app, '/api/refresh', { refresh_token: session.refresh_token })
    assert.equal(statusCode, 200)
  })
  assert.equal((await deviceOf(id)).last_seen_at.getTime(), START_MS)
})

test('however many there are, the upkeep removes them all and says how many', async () => {
  const { db } = api.database
  nowMs = START_MS
  const { id } = await aCustomer(db)
  const count = 1_203
  await db
    .insertInto('device')
    .values(
      Array.from({ length: count }, (_, index) => ({
        account_id: id,
        platform: 'ios' as const,
        target_kind: 'fid' as const,
        target: `old ${index}`,
        last_seen_at: new Date(START_MS - 271 * DAY_MS),
      })),
    )
    .execute()
  const rounds: (() => void)[] = []
  const nextRound = Promise.withResolvers<void>()
  const timers = {
    now: () => nowMs,
    after: (_delayMs: number, wake: () => void) => {
      rounds.push(wake)
      if (rounds.length === 2) nextRound.resolve()
      return () => {}
    },
  }
  const upkeep = notificationUpkeep({ db, timers, log: api.log.log })
  rounds[0]?.()
  await nextRound.promise
  await upkeep.close()
  const { left } = await db
    .selectFrom('device')
    .select((eb) => eb.fn.count<number>('target').as('left'))
    .where('account_id', '=', id)
    .executeTakeFirstOrThrow()
  assert.equal(left, 0)
  assert.match(api.log.text(), new RegExp(`"targets":${count},.*nine months`))
})
