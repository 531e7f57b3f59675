import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { aHousehold, type Answer, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember } from '#test/support/factories.ts'

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())
beforeEach(() => {
  api.sic.ranges.length = 0
  api.postpaid.ranges.length = 0
})

const isZero = ({ energy_kwh, amount_xof }: { energy_kwh: number; amount_xof: number }): boolean =>
  energy_kwh === 0 && amount_xof === 0

test('a read asks both sources for what is missing and answers by month', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = meters
  assert.ok(prepaid && postpaid)
  api.sic.add(prepaid.key, aSale('2026-01-31T23:59:59.997Z', '113.9', '10000'))
  api.sic.add(prepaid.key, aSale('2026-02-01T00:00:00Z', '85.9', '10000.4'))
  api.postpaid.add(postpaid.number, aBill('2026-02-28', '301.125', '41250.5'))
  const response = await api.read({ id }, { query: '?from=2026-01-15&to=2026-03-10' })
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['x-cache'], 'MISS')
  assert.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(response.headers['cache-control'], 'private, max-age=0, must-revalidate')
  const asOf = '2026-03-15T10:00:00.000Z'
  assert.deepEqual(response.json(), {
    user_id: id,
    from: '2026-01-15',
    to: '2026-03-10',
    group_by: 'month',
    known_from: '2016-01-01',
    unit: 'kWh',
    currency: 'XOF',
    meters: [
      {
        meter_id: prepaid.id,
        number: prepaid.number,
        kind: 'prepaid',
        role: 'owner',
        periods: [
          { start: '2026-01-15', end: '2026-02-01', energy_kwh: 113.9, amount_xof: 10_000 },
          { start: '2026-02-01', end: '2026-03-01', energy_kwh: 85.9, amount_xof: 10_000 },
          { start: '2026-03-01', end: '2026-03-10', energy_kwh: 0, amount_xof: 0 },
        ],
        energy_kwh: 199.8,
        amount_xof: 20_000,
      },
      {
        meter_id: postpaid.id,
        number: postpaid.number,
        kind: 'postpaid',
        role: 'owner',
        periods: [
          { start: '2026-01-15', end: '2026-02-01', energy_kwh: 0, amount_xof: 0 },
          { start: '2026-02-01', end: '2026-03-01', energy_kwh: 301.125, amount_xof: 41_251 },
          { start: '2026-03-01', end: '2026-03-10', energy_kwh: 0, amount_xof: 0 },
        ],
        energy_kwh: 301.125,
        amount_xof: 41_251,
      },
    ],
    energy_kwh: 500.925,
    amount_xof: 61_251,
    as_of: asOf,
    stale: false,
    sources: [
      { name: 'sic', status: 'ok', as_of: asOf },
      { name: 'postpaid', status: 'ok', as_of: asOf },
    ],
  })
})

test('without parameters: the last 12 full months and the current one', async () => {
  const { id } = await aHousehold(api.db, 'prepaid')
  const answer = (await api.read({ id })).json<Answer>()
  assert.equal(answer.from, '2025-03-01')
  assert.equal(answer.to, '2026-04-01')
  assert.equal(answer.group_by, 'month')
  assert.equal(answer.meters[0]?.periods.length, 13)
})

test('every grouping adds up to the same totals, without drift', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  const [meter] = meters
  assert.ok(meter)
  // 0.1 + 0.2 and the like, three hundred times over.
  for (let day = 0; day < 300; day += 1) {
    const soldAt = new Date(Date.parse('2024-01-01T12:00:00Z') + day * 2 * 86_400_000).toISOString()
    api.sic.add(meter.key, aSale(soldAt, '0.101', '999.5'))
  }
  for (const grouping of ['day', 'week', 'month', 'quarter', 'year']) {
    const query = `?from=2024-01-01&to=2026-01-01&group_by=${grouping}`
    const answer = (await api.read({ id }, { query })).json<Answer>()
    assert.equal(answer.energy_kwh, 30.3, grouping)
    assert.equal(answer.amount_xof, 300_000, grouping)
    const thousandths = answer.meters[0]?.periods.reduce(
      (sum, period) => sum + Math.round(period.energy_kwh * 1_000),
      0,
    )
    assert.equal(thousandths, 30_300, grouping)
  }
  assert.equal(api.sic.ranges.length, 1)
})

test('a range that holds nothing is zeros, not nothing', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  api.sic.add(meters[0]!.key, aSale('2026-03-01T08:00:00Z', '10', '1000'))
  const answer = (await api.read({ id }, { query: '?from=2020-01-01&to=2020-03-01' })).json<Answer>()
  assert.equal(answer.meters[0]?.periods.length, 2)
  assert.ok(answer.meters[0].periods.every(isZero))
  assert.deepEqual([answer.energy_kwh, answer.amount_xof], [0, 0])
})

test('a user without meters has an empty list and zeros', async () => {
  const { id } = await aCustomer(api.db)
  const response = await api.read({ id })
  assert.equal(response.statusCode, 200)
  const answer = response.json<Answer>()
  assert.deepEqual(answer.meters, [])
  assert.deepEqual([answer.energy_kwh, answer.amount_xof, answer.as_of, answer.stale], [0, 0, null, false])
  assert.deepEqual(answer.sources, [
    { name: 'sic', status: 'not_needed', as_of: null },
    { name: 'postpaid', status: 'not_needed', as_of: null },
  ])
})

test('a meter installed in mid-month: zeros before, its sales from then on', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  api.sic.add(meters[0]!.key, aSale('2026-02-17T15:00:00Z', '6.8', '1000'))
  const answer = (await api.read({ id }, { query: '?from=2026-01-01&to=2026-03-01' })).json<Answer>()
  assert.deepEqual(
    answer.meters[0]?.periods.map((period) => period.energy_kwh),
    [0, 6.8],
  )
})

test('meter_id narrows list and totals; the meter of somebody else does not exist', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'prepaid')
  const [first, second] = meters
  assert.ok(first && second)
  api.sic.add(first.key, aSale('2026-03-01T08:00:00Z', '10', '1000'))
  api.sic.add(second.key, aSale('2026-03-01T08:00:00Z', '20', '2000'))
  const answer = (await api.read({ id }, { query: `?meter_id=${second.id.toUpperCase()}` })).json<Answer>()
  assert.deepEqual(
    answer.meters.map((meter) => meter.meter_id),
    [second.id],
  )
  assert.equal(answer.energy_kwh, 20)

  const stranger = await aHousehold(api.db, 'prepaid')
  for (const meterId of [stranger.meters[0]!.id, '00000000-0000-4000-8000-000000000000']) {
    const refused = await api.read({ id }, { query: `?meter_id=${meterId}` })
    assert.equal(refused.statusCode, 404)
    assert.equal(refused.json<{ code: string }>().code, 'consumption/meter-not-found')
  }
})

test('a meter is shared once that was accepted, and until it is revoked; it is asked for once', async () => {
  const { meters } = await aHousehold(api.db, 'prepaid')
  const [meter] = meters
  assert.ok(meter)
  api.sic.add(meter.key, aSale('2026-03-01T08:00:00Z', '10', '1000'))
  const guest = await aHousehold(api.db, 'postpaid')
  for (const state of ['pending', 'refused', 'revoked'] as const) {
    const other = await aMeter(api.db)
    await aLink(api.db, { meterId: other.id, accountId: guest.id, role: 'shared', state })
  }
  await aLink(api.db, { meterId: meter.id, accountId: guest.id, role: 'shared' })
  const answer = (await api.read({ id: guest.id })).json<Answer>()
  assert.deepEqual(
    answer.meters.map(({ meter_id, role }) => [meter_id, role]),
    [
      [guest.meters[0]!.id, 'owner'],
      [meter.id, 'shared'],
    ],
  )
  assert.equal(answer.energy_kwh, 10)
})

test('an agent sees the meters of the agency alone, an admin all, others nothing', async () => {
  const [agency, otherAgency] = [await anAgency(api.db), await anAgency(api.db)]
  const agent = await aStaffMember(api.db, 'agent', agency.code)
  const admin = await aStaffMember(api.db, 'admin')
  const user = await aCustomer(api.db)
  const ours = await aMeter(api.db, { agencyId: agency.id })
  const theirs = await aMeter(api.db, { agencyId: otherAgency.id })
  for (const meter of [ours, theirs]) await aLink(api.db, { meterId: meter.id, accountId: user.id })
  const seen = async (caller: { id: string; role?: 'agent' | 'admin' | 'service' }): Promise<string[] | number> => {
    const response = await api.read(caller, { userId: user.id })
    return response.statusCode === 200
      ? response.json<Answer>().meters.map((meter) => meter.meter_id)
      : response.statusCode
  }
  const all = [ours.id, theirs.id]
  assert.deepEqual(await seen({ id: user.id }), all)
  // The same question, kept apart by who asks.
  assert.deepEqual(await seen({ id: agent.id, role: 'agent' }), [ours.id])
  assert.deepEqual(await seen({ id: agent.id, role: 'agent' }), [ours.id])
  assert.deepEqual(await seen({ id: admin.id, role: 'admin' }), all)
  assert.deepEqual(await seen({ id: user.id }), all)
  assert.equal(await seen({ id: (await aCustomer(api.db)).id }), 404)
  assert.equal(await seen({ id: admin.id, role: 'service' }), 404)
  const foreign = await api.read({ id: agent.id, role: 'agent' }, { userId: user.id, query: `?meter_id=${theirs.id}` })
  assert.equal(foreign.statusCode, 404)
})

const refusals: [query: string, status: number, code: string][] = [
  ['from=2026-02-29', 400, 'http/invalid-request'],
  ['from=01/02/2026', 400, 'http/invalid-request'],
  ['from=2026-01-01T00:00:00Z', 400, 'http/invalid-request'],
  ['from=2026-01-01&from=2026-02-01', 400, 'http/invalid-request'],
  ['from=', 400, 'http/invalid-request'],
  ['group_by=hour', 400, 'http/invalid-request'],
  ['group_by=', 400, 'http/invalid-request'],
  ['meter_id=14250000016', 400, 'http/invalid-request'],
  ['groupby=day', 400, 'http/invalid-request'],
  ['from=2026-03-01&to=2026-03-01', 400, 'consumption/empty-range'],
  ['from=2026-03-02&to=2026-03-01', 400, 'consumption/empty-range'],
  ['from=1976-01-01&to=2026-01-01', 400, 'consumption/range-out-of-reach'],
  ['from=2010-01-01&to=2060-01-01', 400, 'consumption/range-too-long'],
  ['from=2016-01-01&to=2026-01-02', 400, 'consumption/range-too-long'],
]
for (const [query, status, code] of refusals) {
  test(`refused: ?${query}`, async () => {
    const { id } = await aCustomer(api.db)
    const french = await api.read({ id }, { query: `?${query}` })
    assert.equal(french.statusCode, status)
    assert.equal(french.json<{ code: string }>().code, code)
    const english = await api.read({ id }, { query: `?${query}`, headers: { 'accept-language': 'en' } })
    assert.notEqual(english.json<{ detail: string }>().detail, french.json<{ detail: string }>().detail)
  })
}
