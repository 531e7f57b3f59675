import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer, TEST_PIN } from '#test/support/factories.ts'
import { waitsFor } from '#test/support/lock-waits.ts'
import { logIn, post, put } from '#test/support/requests.ts'

/** Devices that take each other's push targets at the same moment, on the real PostgreSQL: none waits in a ring. */

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
  const { access_token: token } = await logIn(api.server.app, { phone, pin: TEST_PIN, device })
  const { id } = await api.database.db
    .selectFrom('device')
    .select('id')
    .where('installation_id', '=', device.id)
    .executeTakeFirstOrThrow()
  return {
    id,
    target: device.push_token,
    renew: (target: string) => put(api.server.app, '/api/session/push-target', { push_token: target }, token),
    logInWith: (target: string) =>
      post(api.server.app, '/api/login', { phone, pin: TEST_PIN, device: { ...device, push_token: target } }),
  }
}
type Telephone = Awaited<ReturnType<typeof aTelephone>>

const WAYS = [
  ['a renewal', (telephone: Telephone, target: string) => telephone.renew(target)],
  ['a login', (telephone: Telephone, target: string) => telephone.logInWith(target)],
] as const

async function targetsOf(telephones: readonly Telephone[]): Promise<(string | null)[]> {
  const ids = telephones.map(({ id }) => id)
  const rows = await api.database.db.selectFrom('device').select(['id', 'target']).where('id', 'in', ids).execute()
  return ids.map((id) => rows.find((row) => row.id === id)?.target ?? null)
}

/** Another transaction, as one process more has it; rolled back when the test does not end it. */
async function another() {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  return {
    client,
    lock: (id: string) => client.query('select from device where id = $1 for no key update', [id]),
    [Symbol.asyncDispose]: () => client.end(),
  }
}

for (const [what, bring] of WAYS) {
  test(`${what} that takes a target locks the two devices in the order of their ids, whichever brings it`, async () => {
    const [one, other] = [await aTelephone(), await aTelephone()]
    const [first, second] = one.id < other.id ? [one, other] : [other, one]
    for (const [taker, loser] of [
      [first, second],
      [second, first],
    ] as const) {
      const [, target] = await targetsOf([taker, loser])
      await using transaction = await another()
      await transaction.lock(first.id)
      const brought = bring(taker, target ?? '')
      assert.ok(await waitsFor(transaction.client, brought, api.database.db))
      // In a ring with it if it had this one already.
      await transaction.lock(second.id)
      await transaction.client.query('commit')
      assert.ok((await brought).statusCode < 300)
      assert.deepEqual(await targetsOf([taker, loser]), [target, null])
      await loser.renew(randomUUID())
    }
  })

  test(`${what} with a target that somebody else is just getting waits for them, and takes it`, async () => {
    const [taker, loser] = [await aTelephone(), await aTelephone()]
    const target = randomUUID()
    await using transaction = await another()
    await transaction.client.query('update device set target = $1 where id = $2', [target, loser.id])
    const brought = bring(taker, target)
    assert.ok(await waitsFor(transaction.client, brought, api.database.db))
    await transaction.client.query('commit')
    assert.ok((await brought).statusCode < 300)
    assert.deepEqual(await targetsOf([taker, loser]), [target, null])
  })
}

test('a renewal beside a logout elsewhere leaves no target on a telephone that nobody is logged in on', async () => {
  const telephone = await aTelephone()
  await using transaction = await another()
  await transaction.lock(telephone.id)
  const brought = telephone.renew(randomUUID())
  assert.ok(await waitsFor(transaction.client, brought, api.database.db))
  await transaction.client.query(`update session set ended_at = now(), end_reason = 'logout' where device_id = $1`, [
    telephone.id,
  ])
  await transaction.client.query('update device set target = null, target_kind = null where id = $1', [telephone.id])
  await transaction.client.query('commit')
  assert.equal((await brought).statusCode, 401)
  assert.deepEqual(await targetsOf([telephone]), [null])
})

test('a renewal by a session that has ended elsewhere takes no target from anybody', async () => {
  const [ended, owner] = [await aTelephone(), await aTelephone()]
  await using transaction = await another()
  await transaction.client.query(`update session set ended_at = now(), end_reason = 'logout' where device_id = $1`, [
    ended.id,
  ])
  const brought = ended.renew(owner.target)
  assert.ok(await waitsFor(transaction.client, brought, api.database.db))
  await transaction.client.query('commit')
  assert.equal((await brought).statusCode, 401)
  assert.deepEqual(await targetsOf([ended, owner]), [ended.target, owner.target])
})

test('telephones that go on swapping their targets each have the one that they brought last', async () => {
  const telephones = await Promise.all(Array.from({ length: 4 }, aTelephone))
  const targets = telephones.map(({ target }) => target)
  for (let round = 1; round <= 20; round += 1) {
    const brought = telephones.map((_, place) => targets[(place + round) % targets.length] ?? '')
    const answers = await Promise.all(telephones.map(({ renew }, place) => renew(brought[place] ?? '')))
    for (const { statusCode, body } of answers) assert.equal(statusCode, 204, body)
    assert.deepEqual(await targetsOf(telephones), brought)
  }
})
