import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Static } from 'typebox'
import type { ComparisonAnswer } from '#src/modules/consumption/comparison-schemas.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { aHousehold, type Answer, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'

type Comparison = Static<typeof ComparisonAnswer>

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

async function comparison(id: string, query = ''): Promise<Comparison> {
  const response = await api.get({ id }, `/api/consumption/${id}/comparison${query}`)
  assert.equal(response.statusCode, 200, response.body)
  return response.json<Comparison>()
}

test('the last full month beside January and the February of last year', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = meters
  assert.ok(prepaid && postpaid)
  api.sic.add(prepaid.key, aSale('2025-02-28T23:59:59Z', '50', '4000'))
  api.sic.add(prepaid.key, aSale('2026-01-31T23:59:59Z', '125', '11000'))
  api.sic.add(prepaid.key, aSale('2026-02-01T00:00:00Z', '113.9', '10000'))
  api.sic.add(prepaid.key, aSale('2026-03-01T00:00:00Z', '10', '1000'))
  api.postpaid.add(postpaid.number, aBill('2026-02-10', '100', '9000'))
  const answer = await comparison(id)
  const of113 = { energy_kwh: 113.9, amount_xof: 10_000, average_xof_per_kwh: 87.8 }
  const of125 = { energy_kwh: 125, amount_xof: 11_000, average_xof_per_kwh: 88 }
  const of50 = { energy_kwh: 50, amount_xof: 4_000, average_xof_per_kwh: 80 }
  const of100 = { energy_kwh: 100, amount_xof: 9_000, average_xof_per_kwh: 90 }
  const noBill = { energy_change_percent: null, amount_change_percent: null, change_unknown_because: 'no_bill' }
  const none = { energy_kwh: 0, amount_xof: 0, average_xof_per_kwh: null, ...noBill }
  const sinceJanuary = { energy_change_percent: -8.9, amount_change_percent: -9.1 }
  const sinceLastYear = { energy_change_percent: 127.8, amount_change_percent: 150 }
  assert.deepEqual(answer, {
    user_id: id,
    known_from: '2016-01-01',
    unit: 'kWh',
    currency: 'XOF',
    current: {
      from: '2026-02-01',
      to: '2026-03-01',
      energy_kwh: 213.9,
      amount_xof: 19_000,
      average_xof_per_kwh: 88.83,
    },
    previous: {
      from: '2026-01-01',
      to: '2026-02-01',
      ...of125,
      ...noBill,
      comparable: { meter_ids: [prepaid.id], current: of113, ...of125, ...sinceJanuary },
    },
    year_before: {
      from: '2025-02-01',
      to: '2025-03-01',
      ...of50,
      ...noBill,
      comparable: { meter_ids: [prepaid.id], current: of113, ...of50, ...sinceLastYear },
    },
    meters: [
      {
        meter_id: prepaid.id,
        number: prepaid.number,
        kind: 'prepaid',
        role: 'owner',
        current: of113,
        previous: { ...of125, ...sinceJanuary, change_unknown_because: null },
        year_before: { ...of50, ...sinceLastYear, change_unknown_because: null },
      },
      {
        meter_id: postpaid.id,
        number: postpaid.number,
        kind: 'postpaid',
        role: 'owner',
        current: of100,
        previous: none,
        year_before: none,
      },
    ],
    as_of: '2026-03-15T10:00:00.000Z',
    stale: false,
  })
  const narrowed = await comparison(id, `?meter_id=${postpaid.id}&from=2026-02-09&to=2026-02-16`)
  assert.deepEqual(narrowed.current, { from: '2026-02-09', to: '2026-02-16', ...of100 })
  assert.equal(narrowed.previous.from, '2026-02-02')
  assert.equal(narrowed.meters.length, 1)
})

test('the month under way is put beside as many days of the month before and of last year', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  assert.ok(meters[0])
  for (const [soldAt, kwh] of [
    ['2026-03-15T09:00:00Z', '30'],
    ['2026-02-15T23:59:59Z', '20'],
    ['2026-02-16T00:00:00Z', '500'],
    ['2025-03-15T12:00:00Z', '40'],
    ['2025-03-16T00:00:00Z', '700'],
  ] as const) {
    api.sic.add(meters[0].key, aSale(soldAt, kwh, `${kwh}00`))
  }
  const { current, previous, year_before: yearBefore } = await comparison(id, '?from=2026-03-01&to=2026-04-01')
  assert.deepEqual([current.from, current.to, current.energy_kwh], ['2026-03-01', '2026-03-16', 30])
  assert.deepEqual(
    [previous.from, previous.to, previous.energy_kwh, previous.energy_change_percent],
    ['2026-02-01', '2026-02-16', 20, 50],
  )
  assert.deepEqual([yearBefore.to, yearBefore.energy_kwh, yearBefore.energy_change_percent], ['2025-03-16', 40, -25])
})

test('a month in which no bill came is not a month without consumption', async () => {
  const { id, meters } = await aHousehold(api.db, 'postpaid')
  const [meter] = meters
  assert.ok(meter)
  // Every two months, a little later each year.
  for (const day of [
    '2025-03-12',
    '2025-05-12',
    '2025-07-12',
    '2025-09-13',
    '2025-11-13',
    '2026-01-13',
    '2026-03-10',
  ]) {
    api.postpaid.add(meter.number, aBill(day, day.startsWith('2026') ? '300' : '200', '30000'))
  }
  const told = async (query: string) => {
    const { previous, year_before: yearBefore, meters: ofMeter } = await comparison(id, query)
    // Of one meter the total is told as the meter is.
    for (const [total, one] of [
      [previous, ofMeter[0]?.previous],
      [yearBefore, ofMeter[0]?.year_before],
    ] as const) {
      const { from: _from, to: _to, comparable, ...sums } = total
      assert.deepEqual(sums, one)
      assert.deepEqual(comparable?.meter_ids, sums.change_unknown_because === null ? [meter.id] : [])
    }
    return [previous, yearBefore].map((base) => base.change_unknown_because ?? base.energy_change_percent)
  }
  assert.deepEqual(await told(''), ['no_bill', 'no_bill'], 'February, in which none comes')
  assert.deepEqual(await told('?from=2026-01-01&to=2026-02-01'), ['no_bill', 'no_bill'])
  assert.deepEqual(await told('?from=2026-03-01&to=2026-04-01'), ['no_bill', 50], 'the month under way')
  assert.deepEqual(
    await told('?from=2026-03-01&to=2026-03-12'),
    ['no_bill', 'no_bill'],
    'billed earlier than last year',
  )
  assert.deepEqual(await told('?from=2026-01-01&to=2026-03-01'), [50, 'no_bill'], 'two months beside two')
  assert.deepEqual(await told('?from=2026-01-01&to=2026-04-01'), ['uneven_bills', 'uneven_bills'], 'a quarter')
})

test('each range holds what a read of consumption says of it', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  const [prepaid, postpaid] = meters
  assert.ok(prepaid && postpaid)
  for (let place = 0; place < 120; place += 1) {
    const soldAt = new Date(Date.parse('2023-12-01T23:59:59Z') + place * 7 * 86_400_000).toISOString()
    api.sic.add(prepaid.key, aSale(soldAt, `${place}.1`, `${place * 99}.5`))
    if (place % 8 === 0) api.postpaid.add(postpaid.number, aBill(soldAt.slice(0, 10), `${place}.2`, '9000'))
  }
  for (const query of [
    '?from=2025-02-01&to=2025-03-01',
    '?from=2024-02-29&to=2024-03-07',
    '?from=2025-01-01&to=2026-01-01',
    '?from=2026-01-01&to=2027-01-01',
    '?from=2025-03-16&to=2026-03-16',
  ]) {
    const { current, previous, year_before: yearBefore } = await comparison(id, query)
    for (const { from, to, energy_kwh: energyKwh, amount_xof: amountXof } of [current, previous, yearBefore]) {
      const read = (await api.read({ id }, { query: `?from=${from}&to=${to}&group_by=day` })).json<Answer>()
      assert.deepEqual([energyKwh, amountXof], [read.energy_kwh, read.amount_xof], `${query}: ${from} to ${to}`)
    }
  }
})

test('a range of which the data are not kept is unknown, not zero', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  assert.ok(meters[0])
  api.sic.add(meters[0].key, aSale('2016-01-10T09:00:00Z', '30', '3000'))
  const answer = await comparison(id, '?from=2016-01-01&to=2016-02-01')
  assert.equal(answer.known_from, '2016-01-01')
  assert.deepEqual(answer.previous, {
    from: '2015-12-01',
    to: '2016-01-01',
    energy_kwh: null,
    amount_xof: null,
    average_xof_per_kwh: null,
    energy_change_percent: null,
    amount_change_percent: null,
    change_unknown_because: 'not_kept',
    comparable: null,
  })
  const [meter] = answer.meters
  assert.deepEqual([answer.current.energy_kwh, meter?.current?.energy_kwh], [30, 30])
  assert.deepEqual([meter?.previous, meter?.year_before], [null, null])
  const older = await comparison(id, '?from=2015-12-15&to=2016-01-15')
  assert.deepEqual([older.current.energy_kwh, older.meters[0]?.current], [null, null])
})

test('a meter of which nothing is known is null and not nothing; when none is known there is no answer', async () => {
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  assert.ok(meters[0] && meters[1])
  api.postpaid.add(meters[1].number, aBill('2026-02-10', '100', '9000'))
  api.sic.failure = new SourceUnavailable('unreachable')
  try {
    const { meters: told, current, stale } = await comparison(id)
    assert.deepEqual(
      told.map((meter) => meter.current?.energy_kwh),
      [undefined, 100],
    )
    assert.deepEqual([told[0]?.previous, current.energy_kwh, stale], [null, 100, true])
    const alone = await api.get({ id }, `/api/consumption/${id}/comparison?meter_id=${meters[0].id}`)
    assert.equal(alone.statusCode, 503)
  } finally {
    api.sic.failure = undefined
  }
})

test('who has no meter has nothing to compare; bad ranges are refused', async () => {
  const { id } = await aHousehold(api.db)
  const { meters, current, as_of: asOf } = await comparison(id)
  assert.deepEqual([meters, current.energy_kwh, asOf], [[], 0, null])
  for (const query of [
    '?from=2026-02-02&to=2026-02-01',
    '?to=1980-01-01',
    '?group_by=month',
    '?from=2026-03-16&to=2026-04-01',
  ]) {
    assert.equal((await api.get({ id }, `/api/consumption/${id}/comparison${query}`)).statusCode, 400, query)
  }
})
