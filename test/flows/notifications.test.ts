import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockIdempotencyKey, pruneIdempotencyKeys } from '#src/modules/notifications/idempotency.ts'
import { aLink, aMeter, anAgency } from '#test/support/factories.ts'
import { recipientsOf } from '#test/support/notification-outcomes.ts'
import { aPerson, type Caller, manyCustomers, staff } from '#test/support/notification-people.ts'
import { notificationsWorld, toUser, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld()
const service = await staff(api.database, 'service')
const agency = await anAgency(api.database.db)
const agent = await staff(api.database, 'agent', agency.id)

async function storedNotifications(): Promise<number> {
  const { db } = api.database
  const { count } = await db
    .selectFrom('notification')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

async function refused(caller: Caller, body: unknown, status: number, code: string, headers = {}) {
  const stored = await storedNotifications()
  const answer = await api.send(caller, body, headers)
  assert.equal(answer.statusCode, status, answer.body)
  assert.equal(answer.json<{ code: string }>().code, code)
  assert.equal(await storedNotifications(), stored, 'a refused request stores nothing')
  return answer.json<Record<string, unknown>>()
}

async function aCustomerOf(agencyId: string | undefined, state: 'accepted' | 'pending' = 'accepted') {
  const { db } = api.database
  const { id } = await aPerson(api.database)
  const meter = await aMeter(db, agencyId === undefined ? {} : { agencyId })
  await aLink(db, { meterId: meter.id, accountId: id, state })
  return { id, meter }
}

test('who named a user twice reaches them once; everybody who may send may', async () => {
  const { id: userId } = await aCustomerOf(agency.id)
  for (const caller of [agent, admin, service]) {
    const { id } = await api.accepted(caller, toUsers([userId, userId.toUpperCase()]))
    assert.deepEqual(await recipientsOf(api.database, id), new Set([userId]))
    assert.equal((await api.counts(id)).recipients, 1)
  }
  await refused({ id: userId, role: 'customer' }, toUser(userId), 403, 'http/forbidden')
})

test('both addresses take the same request', async () => {
  const { id: userId } = await aPerson(api.database)
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/notifications',
    payload: toUser(userId),
    headers: { authorization: `Bearer admin/${admin.id}` },
  })
  assert.equal(answer.statusCode, 202, answer.body)
})

test('an absent or disabled user refuses the whole request, and is named to who may know', async () => {
  const [awa, disabled] = [await aPerson(api.database), await aPerson(api.database)]
  await api.database.db.updateTable('account').set({ disabled_at: new Date() }).where('id', '=', disabled.id).execute()
  const absent = crypto.randomUUID()
  for (const caller of [admin, service]) {
    const problem = await refused(
      caller,
      toUsers([awa.id, absent, disabled.id]),
      404,
      'notifications/unknown-recipient',
    )
    assert.deepEqual(new Set(problem['unknown_user_ids'] as string[]), new Set([absent, disabled.id]))
    assert.equal(problem['unknown_count'], 2)
    await refused(caller, toUser(absent), 404, 'notifications/unknown-recipient')
  }
})

test('an agent reaches customers with an accepted link to a meter of the agency, and learns of nobody else', async () => {
  const other = await anAgency(api.database.db)
  const [own, foreign, pending] = [
    await aCustomerOf(agency.id),
    await aCustomerOf(other.id),
    await aCustomerOf(agency.id, 'pending'),
  ]
  await api.accepted(agent, toUser(own.id))
  const answers = []
  for (const outside of [foreign.id, pending.id, admin.id, crypto.randomUUID()]) {
    await refused(agent, toUser(outside), 404, 'notifications/unknown-recipient')
    answers.push(await refused(agent, toUsers([own.id, outside]), 404, 'notifications/unknown-recipient'))
  }
  const told = answers.map((answer) => JSON.stringify({ ...answer, request_id: '' }))
  assert.equal(new Set(told).size, 1, 'a foreign user and an absent one are told apart')
})

test('a meter means everybody with an accepted link, of both kinds of meter with that number', async () => {
  const { db } = api.database
  const [owner, sharer, pending] = [
    await aCustomerOf(agency.id),
    await aPerson(api.database),
    await aPerson(api.database),
  ]
  await aLink(db, { meterId: owner.meter.id, accountId: sharer.id, role: 'shared' })
  await aLink(db, { meterId: owner.meter.id, accountId: pending.id, role: 'shared', state: 'pending' })
  const classic = await aCustomerOf(undefined)
  await db.deleteFrom('meter_link').where('meter_id', '=', classic.meter.id).execute()
  await db
    .updateTable('meter')
    .set({ kind: 'postpaid', police: null, number: owner.meter.number })
    .where('id', '=', classic.meter.id)
    .execute()
  await aLink(db, { meterId: classic.meter.id, accountId: classic.id })
  await aLink(db, { meterId: classic.meter.id, accountId: owner.id, role: 'shared' })

  const body = toUser('', { audience: { kind: 'meter', number: owner.meter.number } })
  const everybody = await api.accepted(service, body)
  assert.deepEqual(await recipientsOf(api.database, everybody.id), new Set([owner.id, sharer.id, classic.id]))
  const ofTheAgency = await api.accepted(agent, body)
  assert.deepEqual(await recipientsOf(api.database, ofTheAgency.id), new Set([owner.id, sharer.id]))
})

test('a meter that is unknown, of another agency, or followed by nobody is refused', async () => {
  const toMeter = (number: string) => toUser('', { audience: { kind: 'meter', number } })
  const foreign = await aCustomerOf((await anAgency(api.database.db)).id)
  const lonely = await aMeter(api.database.db, { agencyId: agency.id })
  await refused(admin, toMeter('1'), 404, 'notifications/unknown-meter')
  await refused(agent, toMeter(foreign.meter.number), 404, 'notifications/unknown-meter')
  await refused(agent, toMeter(lonely.number), 422, 'notifications/no-recipient')
})

test('an agent reaches the own agency alone, and only admins everyone', async () => {
  await aCustomerOf(agency.id)
  const toAgency = (agencyId: string) => toUser('', { audience: { kind: 'agency', agency_id: agencyId } })
  const toAll = toUser('', { audience: { kind: 'all' } })
  const foreign = await anAgency(api.database.db)
  assert.equal((await api.send(agent, toAgency(agency.id))).statusCode, 202)
  await refused(agent, toAgency(foreign.id), 404, 'notifications/unknown-agency')
  await refused(admin, toAgency(crypto.randomUUID()), 404, 'notifications/unknown-agency')
  await refused(admin, toAgency(foreign.id), 422, 'notifications/no-customer')
  await refused(agent, toAll, 403, 'http/forbidden')
  await refused(await staff(api.database, 'service'), toAll, 403, 'http/forbidden')
  assert.equal((await api.send(admin, toAll)).statusCode, 202)
})

test('bad input is a clear no', async () => {
  const { id } = await aPerson(api.database)
  const invalid: object[] = [
    { title: '' },
    { title: ' ' },
    { title: 'x'.repeat(201) },
    { body: 'x'.repeat(2_001) },
    { body: 3 },
    { type: 'Not A Slug' },
    { data: { zone: 3 } },
    { data: { zone: { a: 'b' } } },
    { priority: 'highest' },
    { priority: undefined },
    { audience: { kind: 'user' } },
    { audience: { kind: 'user', user_id: 'x' } },
    { audience: { kind: 'user', user_id: id, number: '1' } },
    { audience: { kind: 'users', user_ids: [] } },
    { audience: { kind: 'users', user_ids: Array.from({ length: 10_001 }, () => id) } },
    { audience: { kind: 'planet' } },
    { audience: { kind: 'meter', number: 'a\0' } },
    { audience: id },
    { unknown: 1 },
    { send_at: 'tomorrow' },
  ]
  for (const fields of invalid) await refused(admin, toUser(id, fields), 400, 'http/invalid-request')
  await refused(admin, toUser(id, { data: { from: 'x' } }), 422, 'notifications/reserved-data-key')
  await refused(admin, toUser(id, { title: 'a\0' }), 422, 'notifications/invalid-text')
  const large = await refused(admin, toUser(id, { body: '⚡'.repeat(2_000) }), 422, 'notifications/payload-too-large')
  assert.ok((large['size_bytes'] as number) > 6_000)
  await refused(admin, toUser(id), 400, 'http/invalid-request', { 'idempotency-key': 'k'.repeat(256) })
})

test('ten thousand users fit one request', async () => {
  const people = await manyCustomers(api.database, 10_000)
  const { id } = await api.accepted(admin, toUsers(people))
  assert.equal((await api.counts(id)).recipients, 10_000)
})

test('the same key and body give the same answer, however the fields are ordered', async () => {
  const { id } = await aPerson(api.database)
  const headers = { 'idempotency-key': 'a key' }
  const first = await api.accepted(admin, toUser(id), headers)
  const stored = await storedNotifications()
  const reordered = Object.fromEntries(Object.entries(toUser(id)).toReversed())
  const again = await api.send(admin, reordered, headers)
  assert.equal(again.statusCode, 202)
  assert.equal(again.headers['idempotency-replayed'], 'true')
  assert.deepEqual(again.json(), first)
  assert.equal(await storedNotifications(), stored)
  await refused(admin, toUser(id, { title: 'other' }), 422, 'notifications/idempotency-key-reused', headers)
  const ofAnother = await api.accepted(service, toUser(id, { title: 'other' }), headers)
  assert.notEqual(ofAnother.id, first.id)
})

test('a refused request does not use its key up', async () => {
  const { id } = await aPerson(api.database)
  const headers = { 'idempotency-key': crypto.randomUUID() }
  await refused(admin, toUser(crypto.randomUUID()), 404, 'notifications/unknown-recipient', headers)
  await api.accepted(admin, toUser(id), headers)
})

test('of many at once with one key one is stored, and the others are told the same or to wait', async () => {
  const { id } = await aPerson(api.database)
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const stored = await storedNotifications()
  const answers = await Promise.all(Array.from({ length: 8 }, () => api.send(admin, toUser(id), headers)))
  assert.equal(await storedNotifications(), stored + 1)
  const ids = answers.filter(({ statusCode }) => statusCode === 202).map((answer) => answer.json<{ id: string }>().id)
  assert.equal(new Set(ids).size, 1)
  for (const answer of answers) {
    if (answer.statusCode === 202) continue
    assert.equal(answer.statusCode, 409)
    assert.equal(answer.json<{ code: string }>().code, 'notifications/idempotency-key-in-flight')
    assert.equal(answer.headers['retry-after'], '1')
  }
})

test('a key in flight is 409, and free again when whoever had it crashed', async () => {
  const { id } = await aPerson(api.database)
  const key = crypto.randomUUID()
  const crash = api.database.db.transaction().execute(async (tx) => {
    await lockIdempotencyKey(tx, admin.id, key)
    await refused(admin, toUser(id), 409, 'notifications/idempotency-key-in-flight', { 'idempotency-key': key })
    throw new Error('the process is gone')
  })
  await assert.rejects(crash, /gone/)
  await api.accepted(admin, toUser(id), { 'idempotency-key': key })
})

test('keys are kept for a day at least, and not for ever', async () => {
  const { id } = await aPerson(api.database)
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const first = await api.accepted(admin, toUser(id), headers)
  const day = 24 * 3_600_000
  await pruneIdempotencyKeys(api.database.db, api.time.now() + day)
  assert.equal((await api.accepted(admin, toUser(id), headers)).id, first.id)
  await pruneIdempotencyKeys(api.database.db, api.time.now() + 3 * day)
  assert.notEqual((await api.accepted(admin, toUser(id), headers)).id, first.id)
})

test('the status is for its sender and for admins; to all others it does not exist', async () => {
  const { id: userId } = await aCustomerOf(agency.id)
  const { id } = await api.accepted(agent, toUser(userId))
  const colleague = await staff(api.database, 'agent', agency.id)
  const statusOf = async (caller: Caller, of = id) => (await api.get(caller, `/api/notifications/${of}`)).statusCode
  assert.equal(await statusOf(agent), 200)
  assert.equal(await statusOf(admin), 200)
  for (const caller of [colleague, service, { id: userId, role: 'customer' as const }])
    assert.equal(await statusOf(caller), 404)
  assert.equal(await statusOf(admin, crypto.randomUUID()), 404)
  assert.equal(await statusOf(admin, 'x'), 404)
})
