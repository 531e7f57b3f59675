import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { forgetUsers } from '#src/modules/consumption/answer-version.ts'
import { GROUPINGS } from '#src/modules/consumption/periods.ts'
import type { Cache } from '#src/ports/cache.ts'
import {
  aHousehold,
  type Answer,
  type ConsumptionApi,
  consumptionApi,
  TEST_NOW,
} from '#test/support/consumption-api.ts'
import { aSale } from '#test/support/consumption-sources.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember } from '#test/support/factories.ts'

const MINUTE = 60_000

let api: ConsumptionApi
before(async () => {
  // A thousand requests at once may keep a busy machine for longer than one is to wait.
  api = await consumptionApi({ patienceMs: 60_000 })
})
after(() => api[Symbol.asyncDispose]())

/** A cache whose store is unreachable. */
const cacheAway: Cache = {
  get: async () => undefined,
  set: async () => undefined,
  setIfAbsent: async () => false,
  delete: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}

async function aReadHousehold() {
  const household = await aHousehold(api.db, 'prepaid')
  const meter = household.meters[0]!
  api.sic.add(meter.key, aSale('2026-03-01T08:00:00Z', '113.9', '10000'))
  assert.equal((await api.read(household)).headers['x-cache'], 'MISS')
  return { id: household.id, meter }
}

test('a hit sends the bytes of the miss, and a 304 to whoever has them', async () => {
  const { id } = await aHousehold(api.db, 'prepaid')
  const miss = await api.read({ id })
  const hit = await api.read({ id })
  assert.equal(miss.headers['x-cache'], 'MISS')
  assert.equal(hit.headers['x-cache'], 'HIT')
  assert.deepEqual(hit.rawPayload, miss.rawPayload)
  for (const name of ['etag', 'content-type', 'content-length', 'cache-control']) {
    assert.equal(hit.headers[name], miss.headers[name], name)
  }
  const etag = String(hit.headers.etag)
  const unchanged = await api.read({ id }, { headers: { 'if-none-match': etag } })
  assert.equal(unchanged.statusCode, 304)
  assert.equal(unchanged.rawPayload.length, 0)
  assert.equal(unchanged.headers.etag, etag)
  assert.equal(unchanged.headers['x-cache'], 'HIT')
  const changed = await api.read({ id }, { headers: { 'if-none-match': '"another"' } })
  assert.equal(changed.statusCode, 200)
})

test('each question is kept for itself, the default range under its dates', async () => {
  const { id, meter } = await aReadHousehold()
  const status = async (query: string) => (await api.read({ id }, { query })).headers['x-cache']
  for (const query of ['?group_by=day', '?from=2025-01-01', `?meter_id=${meter.id}`]) {
    assert.equal(await status(query), 'MISS', query)
    assert.equal(await status(query), 'HIT', query)
  }
  assert.equal(await status('?from=2025-03-01&to=2026-04-01&group_by=month'), 'HIT')
})

test('the first read after a start is a miss, served by PostgreSQL alone while that is fresh', async () => {
  const { id } = await aReadHousehold()
  const known = await api.read({ id })
  const asked = api.sic.asked
  const restarted = await api.another({ cache: memoryCache() })
  const first = await api.read({ id }, { app: restarted })
  assert.equal(first.headers['x-cache'], 'MISS')
  assert.equal(api.sic.asked, asked)
  const answer = first.json<Answer>()
  assert.deepEqual(answer.meters, known.json<Answer>().meters)
  assert.deepEqual(answer.sources[0], { name: 'sic', status: 'not_needed', as_of: new Date(TEST_NOW).toISOString() })
})

test('a thousand cold requests for one customer ask the source once', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  api.sic.add(meters[0]!.key, aSale('2026-03-01T08:00:00Z', '113.9', '10000'))
  const asked = api.sic.asked
  const responses = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => api.read({ id }, { query: `?group_by=${GROUPINGS[index % 5]}` })),
  )
  assert.equal(api.sic.asked, asked + 1)
  assert.deepEqual(new Set(responses.map((response) => response.json<Answer>().energy_kwh)), new Set([113.9]))
  assert.equal(new Set(responses.map((response) => response.body)).size, GROUPINGS.length)
})

test('instances that share the cache ask the source once between them', async () => {
  const { id } = await aHousehold(api.db, 'prepaid')
  const asked = api.sic.asked
  const instances = [api.app, await api.another(), await api.another()]
  const responses = await Promise.all(instances.map((app) => api.read({ id }, { app })))
  assert.equal(api.sic.asked, asked + 1)
  assert.deepEqual(
    responses.map((response) => response.json<Answer>().stale),
    [false, false, false],
  )
})

test('a thousand cold requests to two instances ask the source once', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  api.sic.add(meters[0]!.key, aSale('2026-03-01T08:00:00Z', '113.9', '10000'))
  const asked = api.sic.asked
  const instances = [api.app, await api.another()]
  const responses = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => api.read({ id }, { app: instances[index % 2]! })),
  )
  assert.equal(api.sic.asked, asked + 1)
  assert.deepEqual(new Set(responses.map((response) => response.json<Answer>().energy_kwh)), new Set([113.9]))
})

test('without the cache every answer is made anew, and still asked for once', async () => {
  const { id } = await aHousehold(api.db, 'prepaid')
  const app = await api.another({ cache: cacheAway })
  const asked = api.sic.asked
  const responses = await Promise.all(
    Array.from({ length: 100 }, (_, index) => api.read({ id }, { app, query: `?group_by=${GROUPINGS[index % 5]}` })),
  )
  assert.equal(api.sic.asked, asked + 1)
  assert.equal(new Set(responses.map((response) => response.body)).size, GROUPINGS.length)
  assert.equal((await api.read({ id }, { app })).headers['x-cache'], 'MISS')
})

test('a cache that says too late that the lock is ours costs nobody the answer, and is given it back', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  const late = memoryCache()
  const app = await api.another({
    cache: {
      ...cacheAway,
      get: (key) => late.get(key),
      async setIfAbsent(...args) {
        await late.setIfAbsent(...args)
        return false
      },
      delete: (...keys) => late.delete(...keys),
    },
  })
  assert.equal((await api.read({ id }, { app })).statusCode, 200)
  assert.equal(await late.get(`consumption:reading:${meters[0]!.id}`), undefined)
})

test('an answer that ran out is served once more while it is renewed, a long dead one is not', async () => {
  await using fresh = await consumptionApi()
  const household = await aHousehold(fresh.db, 'prepaid')
  const status = async () => (await fresh.read(household)).headers['x-cache']
  const renewed = async (): Promise<Answer> => {
    let response = await fresh.read(household)
    for (; response.headers['x-cache'] === 'STALE'; response = await fresh.read(household)) await aTurn()
    assert.equal(response.headers['x-cache'], 'HIT')
    return response.json<Answer>()
  }
  assert.equal(await status(), 'MISS')
  fresh.passTime(MINUTE - 1)
  assert.equal(await status(), 'HIT')
  fresh.passTime(1)
  assert.equal(await status(), 'STALE')
  // Made anew from PostgreSQL: what it holds is fresh still.
  assert.equal((await renewed()).as_of, '2026-03-15T10:00:00.000Z')
  fresh.passTime(2 * MINUTE)
  assert.equal(await status(), 'MISS')
  assert.equal(fresh.sic.asked, 1)

  fresh.passTime(11.5 * MINUTE)
  assert.equal(await status(), 'MISS')
  fresh.passTime(MINUTE / 2)
  // What it says is 15 minutes old: it ran out before its own minute.
  assert.equal(await status(), 'STALE')
  assert.equal((await renewed()).as_of, '2026-03-15T10:15:00.000Z')
  assert.equal(fresh.sic.asked, 2)
})

test('a meter that is added in mid-month shows at once, one that is revoked is gone at once, for agents too', async () => {
  const agency = await anAgency(api.db)
  const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
  const user = await aCustomer(api.db)
  const [first, second] = [await aMeter(api.db, { agencyId: agency.id }), await aMeter(api.db, { agencyId: agency.id })]
  api.sic.add({ number: second.number, police: second.police ?? '' }, aSale('2026-03-02T08:00:00Z', '35.7', '5000'))
  const seen = async () => {
    const responses = [await api.read(user), await api.read(agent, { userId: user.id })]
    return responses.map((response) => response.json<Answer>().meters.map((meter) => meter.meter_id))
  }
  await aLink(api.db, { meterId: first.id, accountId: user.id })
  assert.deepEqual(await seen(), [[first.id], [first.id]])

  await aLink(api.db, { meterId: second.id, accountId: user.id, role: 'shared' })
  await forgetUsers(api.cache, [user.id])
  assert.deepEqual(await seen(), [
    [first.id, second.id],
    [first.id, second.id],
  ])
  assert.equal((await api.read(user)).json<Answer>().energy_kwh, 35.7)

  await api.db.updateTable('meter_link').set({ state: 'revoked' }).where('meter_id', '=', second.id).execute()
  await forgetUsers(api.cache, [user.id])
  assert.deepEqual(await seen(), [[first.id], [first.id]])
})

test('an answer made while its user was forgotten is not kept', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  const gate = Promise.withResolvers<void>()
  api.sic.gate = gate.promise
  const asked = api.sic.asked
  const reading = api.read({ id })
  while (api.sic.asked === asked) await aTurn()
  await api.db.updateTable('meter_link').set({ state: 'revoked' }).where('meter_id', '=', meters[0]!.id).execute()
  await forgetUsers(api.cache, [id])
  gate.resolve()
  api.sic.gate = undefined
  await reading
  assert.deepEqual((await api.read({ id })).json<Answer>().meters, [])
})

test('what one user’s read brings shows to whoever shares the meter', async () => {
  await using fresh = await consumptionApi()
  const owner = await aHousehold(fresh.db, 'prepaid')
  const guest = await aCustomer(fresh.db)
  const meter = owner.meters[0]!
  await aLink(fresh.db, { meterId: meter.id, accountId: guest.id, role: 'shared' })
  await fresh.read(owner)
  fresh.passTime(14.9 * MINUTE)
  await fresh.read(guest)
  fresh.sic.add(meter.key, aSale('2026-03-15T10:10:00Z', '35.7', '5000'))
  fresh.passTime(0.1 * MINUTE)
  // The owner's day view is made anew and finds the purchase.
  const byDay = await fresh.read(owner, { query: '?group_by=day' })
  assert.equal(byDay.json<Answer>().energy_kwh, 35.7)
  assert.equal((await fresh.read(guest)).json<Answer>().energy_kwh, 35.7)
  assert.equal((await fresh.read(owner)).json<Answer>().energy_kwh, 35.7)
})

test('without PostgreSQL what was kept is served, and said to be stale once it ran out', async () => {
  await using fresh = await consumptionApi()
  const household = await aHousehold(fresh.db, 'prepaid')
  const known = await fresh.read(household)
  const nowhere = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/nothing', log: createLogger('silent') })
  const app = await fresh.another({ db: nowhere.db })
  const hit = await fresh.read(household, { app })
  assert.deepEqual(hit.rawPayload, known.rawPayload)
  fresh.passTime(3 * 60 * MINUTE)
  const old = await fresh.read(household, { app })
  assert.equal(old.statusCode, 200)
  assert.equal(old.headers['x-cache'], 'STALE')
  assert.deepEqual(old.json(), { ...known.json<Answer>(), stale: true })
  assert.notEqual(old.headers.etag, known.headers.etag)
  assert.deepEqual((await fresh.read(household, { app })).rawPayload, old.rawPayload)
  assert.equal(fresh.log.text().match(/a kept answer stands in/g)?.length, 1)
  const unknown = await fresh.read(household, { app, query: '?group_by=day' })
  assert.ok(unknown.statusCode >= 500)
  await nowhere.close()
})
