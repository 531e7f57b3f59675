import assert from 'node:assert/strict'
import { beforeEach, afterEach, test } from 'node:test'
import { sql } from 'kysely'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { readingStates } from '#src/modules/consumption/queries.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { aHousehold, type Answer, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { aTurn } from '#test/support/event-loop.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const REST = 3 * SECOND

let api: ConsumptionApi
beforeEach(async () => {
  api = await consumptionApi()
})
afterEach(() => api[Symbol.asyncDispose]())

/** A household with both kinds of meter, a purchase and a bill, read once. */
async function aKnownHousehold() {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = meters
  assert.ok(prepaid && postpaid)
  api.sic.add(prepaid.key, aSale('2026-03-01T08:00:00Z', '113.9', '10000'))
  api.postpaid.add(postpaid.number, aBill('2026-02-28', '301', '41250'))
  const first = await api.read({ id })
  assert.equal(first.json<Answer>().stale, false)
  return { id, prepaid, postpaid, known: first.json<Answer>() }
}

function takeBothDown(): void {
  api.sic.failure = new SourceUnavailable('unreachable')
  api.postpaid.failure = new SourceUnavailable('circuit_open')
}

test('both sources down: the last known data, marked stale, never zeros', async () => {
  const { id, known } = await aKnownHousehold()
  takeBothDown()
  api.passTime(60 * MINUTE)
  const response = await api.read({ id })
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['x-cache'], 'STALE')
  const asOf = '2026-03-15T10:00:00.000Z'
  assert.deepEqual(response.json(), {
    ...known,
    stale: true,
    sources: [
      { name: 'sic', status: 'unavailable', as_of: asOf },
      { name: 'postpaid', status: 'unavailable', as_of: asOf },
    ],
  })
  const again = await api.read({ id })
  assert.equal(again.headers['x-cache'], 'STALE')
  assert.deepEqual(again.rawPayload, response.rawPayload)
})

test('one source down: the other one is current, and as_of is the oldest', async () => {
  const { id } = await aKnownHousehold()
  api.sic.failure = new SourceUnavailable('too_slow')
  api.passTime(60 * MINUTE)
  const answer = (await api.read({ id })).json<Answer>()
  assert.equal(answer.stale, true)
  assert.equal(answer.as_of, '2026-03-15T10:00:00.000Z')
  assert.deepEqual(answer.sources, [
    { name: 'sic', status: 'unavailable', as_of: '2026-03-15T10:00:00.000Z' },
    { name: 'postpaid', status: 'ok', as_of: '2026-03-15T11:00:00.000Z' },
  ])
})

test('a failure is not paid for again at once, and the return shows within seconds', async () => {
  const { id } = await aKnownHousehold()
  takeBothDown()
  api.passTime(60 * MINUTE)
  const asked = api.sic.asked
  // Different questions, so that the kept answer is not what spares the source.
  for (const grouping of ['day', 'week', 'year']) await api.read({ id }, { query: `?group_by=${grouping}` })
  assert.equal(api.sic.asked, asked + 1)
  api.sic.failure = undefined
  api.postpaid.failure = undefined
  api.passTime(REST)
  const answer = (await api.read({ id }, { query: '?group_by=day' })).json<Answer>()
  assert.equal(answer.stale, false)
  assert.equal(answer.as_of, '2026-03-15T11:00:03.000Z')
})

test('a meter of which nothing is known has nulls and stays out of the sums', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = meters
  assert.ok(prepaid && postpaid)
  api.postpaid.add(postpaid.number, aBill('2026-02-28', '301', '41250'))
  api.sic.failure = new SourceUnavailable('refused')
  const response = await api.read({ id })
  assert.equal(response.statusCode, 200)
  const answer = response.json<Answer>()
  const unknown = answer.meters[0]
  assert.equal(unknown?.meter_id, prepaid.id)
  assert.deepEqual([unknown.energy_kwh, unknown.amount_xof, unknown.periods], [null, null, []])
  assert.deepEqual([answer.energy_kwh, answer.amount_xof, answer.stale], [301, 41_250, true])
  assert.deepEqual(answer.sources[0], { name: 'sic', status: 'unavailable', as_of: null })
  assert.equal(answer.sources[1]?.status, 'ok')
  const alone = await api.read({ id }, { query: `?meter_id=${prepaid.id}` })
  assert.equal(alone.statusCode, 503)
})

test('only when nothing is known of any meter there is no answer', async () => {
  const { id } = await aHousehold(api.db, 'prepaid', 'postpaid')
  takeBothDown()
  const response = await api.read({ id })
  assert.equal(response.statusCode, 503)
  assert.equal(response.headers['retry-after'], '5')
  assert.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  assert.equal(response.json<{ code: string }>().code, 'consumption/source-unavailable')
  api.sic.failure = undefined
  api.postpaid.failure = undefined
  api.passTime(REST)
  assert.equal((await api.read({ id })).statusCode, 200)
})

test('a source that is not configured is unavailable', async () => {
  const { id } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const app = await api.another({ prepaid: undefined, cache: memoryCache() })
  const answer = (await api.read({ id }, { app })).json<Answer>()
  assert.deepEqual(
    answer.sources.map((source) => source.status),
    ['unavailable', 'ok'],
  )
  assert.equal(answer.meters[0]?.energy_kwh, null)
})

test('a slow source costs one wait; its answer is kept when it comes', async () => {
  const { id, prepaid } = await aKnownHousehold()
  const app = await api.another({ patienceMs: 1 })
  api.sic.add(prepaid.key, aSale('2026-03-15T09:00:00Z', '35.7', '5000'))
  api.passTime(60 * MINUTE)
  const gate = Promise.withResolvers<void>()
  api.sic.gate = gate.promise
  const asked = api.sic.asked
  const read = async (query: string): Promise<Answer> => (await api.read({ id }, { app, query })).json<Answer>()
  for (const query of ['', '?group_by=day', '?group_by=year']) {
    const answer = await read(query)
    assert.deepEqual([answer.stale, answer.meters[0]?.energy_kwh], [true, 113.9], query)
  }
  // Before it puts its question the reading looks at what is known, which may take longer than all these reads.
  while (api.sic.asked === asked) await aTurn()
  assert.equal(api.sic.asked, asked + 1)
  const knownAs = async (): Promise<number | undefined> =>
    (await readingStates(api.db, [prepaid.id])).get(prepaid.id)?.readAt.getTime()
  const before = await knownAs()
  gate.resolve()
  while ((await knownAs()) === before) await aTurn()
  // Until then the stale answer is kept.
  api.passTime(REST)
  const answer = await read('')
  assert.deepEqual([answer.stale, answer.meters[0]?.energy_kwh], [false, 149.6])
  assert.equal(api.sic.asked, asked + 1)
})

test('a source that breaks its promise, or sends nonsense, costs nobody the answer', async () => {
  const { id, prepaid, known } = await aKnownHousehold()
  api.sic.failure = new TypeError('a bug in an adapter') as unknown as SourceUnavailable
  api.passTime(60 * MINUTE)
  assert.deepEqual((await api.read({ id })).json<Answer>().meters, known.meters)
  assert.match(api.log.text(), /"level":"error".*a meter source broke its promise/)

  api.sic.failure = undefined
  api.sic.add(prepaid.key, aSale('2026-03-15T09:00:00Z', 'beaucoup', '5000'))
  api.passTime(60 * MINUTE)
  const answer = (await api.read({ id })).json<Answer>()
  assert.deepEqual(answer.meters, known.meters)
  assert.equal(answer.sources[0]?.status, 'unavailable')
  assert.match(api.log.text(), /"reason":"malformed"/)
})

test('an answer of a source that cannot be stored costs nobody what is known', async () => {
  const { id, known } = await aKnownHousehold()
  await sql`alter table meter_reading_state add constraint disk_full check (read_at < '2026-03-15 10:30Z')`.execute(
    api.db,
  )
  api.passTime(60 * MINUTE)
  const answer = (await api.read({ id })).json<Answer>()
  assert.deepEqual(answer.meters, known.meters)
  assert.equal(answer.stale, true)
  assert.match(api.log.text(), /a reading could not be stored/)
})

test('the server closes while a source hangs, and lets go of the meter for the other instances', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  api.sic.gate = new Promise(() => undefined)
  const app = await api.another({ patienceMs: 1 })
  const response = await api.read({ id }, { app })
  assert.equal(response.statusCode, 503)
  while (api.sic.asked === 0) await aTurn()
  const lock = `consumption:reading:${meters[0]!.id}`
  assert.notEqual(await api.cache.get(lock), undefined)
  await app.close()
  assert.equal(await api.cache.get(lock), undefined)
})
