import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer, TEST_PIN } from '#test/support/factories.ts'
import { waitsFor } from '#test/support/lock-waits.ts'
import { logIn, post } from '#test/support/requests.ts'

/** A logout beside what else touches its session and its device, on the real PostgreSQL: none waits in a ring. */

let api: TestApi
let url = ''
before(async () => {
  api = await testApi({ reach: (own) => (url = own) })
})
after(() => api[Symbol.asyncDispose]())

/** A customer who is logged in on a telephone that pushes reach. */
async function aTelephone() {
  const { phone } = await aCustomer(api.database.db)
  const device = { id: randomUUID(), platform: 'android', push_token: randomUUID() }
  const logInOnIt = () => logIn(api.server.app, { phone, pin: TEST_PIN, device })
  return { device, logInOnIt, session: await logInOnIt() }
}

const logOut = (token: string) => post(api.server.app, '/api/logout', undefined, token)

const deviceOf = (installationId: string) =>
  api.database.db
    .selectFrom('device')
    .leftJoin('session', (join) => join.onRef('session.device_id', '=', 'device.id').on('session.ended_at', 'is', null))
    .select(['device.id', 'device.target', 'session.id as session'])
    .where('installation_id', '=', installationId)
    .executeTakeFirstOrThrow()

test('a logout waits for a login on its device without holding what the login needs next', async () => {
  const { device, session } = await aTelephone()
  const { id, session: sessionId } = await deviceOf(device.id)
  const login = new pg.Client({ connectionString: url })
  await login.connect()
  try {
    // As a login does: the device, then the session that it replaces.
    await login.query('begin')
    await login.query('update device set last_seen_at = now() where id = $1', [id])
    const loggingOut = logOut(session.access_token)
    assert.ok(await waitsFor(login, loggingOut, api.database.db))
    await login.query(`update session set ended_at = now(), end_reason = 'replaced' where id = $1`, [sessionId])
    await login.query('commit')
    assert.equal((await loggingOut).statusCode, 204)
  } finally {
    await login.end()
  }
  // The device is the newer login's by now: what the older one's logout would have cleared stays.
  assert.equal((await deviceOf(device.id)).target, device.push_token)
})

test('logged out and in again on the same telephone at once: one live session at most, and none is an error', async () => {
  const telephones = await Promise.all(Array.from({ length: 8 }, aTelephone))
  await Promise.all(
    telephones.map(async ({ device, logInOnIt, session }) => {
      const [left, twice, renewed] = await Promise.all([
        logOut(session.access_token),
        logOut(session.access_token),
        post(api.server.app, '/api/refresh', { refresh_token: session.refresh_token }),
        logInOnIt(),
      ])
      for (const { statusCode } of [left, twice]) assert.ok([204, 401].includes(statusCode), String(statusCode))
      assert.ok([200, 401].includes(renewed.statusCode), renewed.body)
      // Whichever came first, the login is what is left, with the target that it brought.
      assert.equal((await deviceOf(device.id)).target, device.push_token)
      assert.notEqual((await deviceOf(device.id)).session, null)
    }),
  )
})
