import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import type { Static } from 'typebox'
import type { Entry } from '#src/modules/consumption/entry.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import type { MonthAnswer, SimulateAnswer } from '#src/modules/tariffs/schemas.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember, TEST_PASSWORD, TEST_PIN } from '#test/support/factories.ts'
import { get, logIn, post } from '#test/support/requests.ts'

/** Noon in Dakar on a day of 2026, whose grid the figures are of. */
let now = Date.parse('2026-03-15T12:00:00Z')
let api: TestApi
let token: string
let customer: Awaited<ReturnType<typeof aCustomer>>

before(async () => {
  api = await testApi({ clock: () => now })
  customer = await aCustomer(api.database.db)
  token = await aToken()
})
after(() => api[Symbol.asyncDispose]())

const aToken = async (): Promise<string> =>
  (await logIn(api.server.app, { phone: customer.phone, pin: TEST_PIN })).access_token

type Estimate = Static<typeof SimulateAnswer>
type Month = Static<typeof MonthAnswer>
interface Problem {
  readonly code: string
  readonly detail: string
}

const simulate = (body: object, as = token): Promise<LightMyRequestResponse> =>
  post(api.server.app, '/api/tariffs/simulate', body, as)

/** A Woyofal meter of the customer with purchases of the day, kWh and amount given, known as of now. */
async function aMeterThatBought(...sales: readonly Sale[]) {
  const meter = await anOwnMeter()
  await know(meter.id, sales)
  return meter
}

async function anOwnMeter() {
  const meter = await aMeter(api.database.db)
  await aLink(api.database.db, { meterId: meter.id, accountId: customer.id })
  return meter
}

type Sale = readonly [day: string, energyKwh: number, amountXof: number]

async function know(meterId: string, sales: readonly Sale[], delivered: Entry['delivered'] = {}): Promise<void> {
  const entries = sales.map(([day, energyKwh, amountXof], place) => ({
    sourceKey: String(place),
    day,
    occurredAt: new Date(`${day}T08:00:00Z`),
    energyWh: Math.round(energyKwh * 1_000),
    amountXof,
    delivered,
  }))
  const range = { from: '2020-01-01', to: '2030-01-01' }
  await storeReading(api.database.db, { meterId, range, isWholeHistory: true, entries, readAt: new Date(now) })
}

const firstOfMonth = {
  class: 'DPP',
  mode: 'prepaid',
  phase: 'single',
  at: '2026-03-15',
  month_to_date_kwh: 0,
  first_purchase_of_month: true,
} as const

test('an amount for a class is answered to the franc, as an estimate with its tariff', async () => {
  const answer = await simulate({ ...firstOfMonth, amount_xof: 10_000 })
  assert.equal(answer.statusCode, 200, answer.body)
  assert.equal(answer.headers['content-language'], 'fr')
  const { explanation, ...estimate } = answer.json<Estimate>()
  assert.deepEqual(estimate, {
    energy_kwh: 113.9,
    amount_xof: 10_000,
    average_xof_per_kwh: 87.8,
    lines: [
      { kind: 'redevance', amount_xof: 429 },
      { kind: 'tranche', tranche: 1, energy_kwh: 113.9, price_xof: 82, amount_xof: 9_338 },
      { kind: 'tco', amount_xof: 233 },
    ],
    estimate: true,
    tariff: {
      valid_from: '2026-01-01',
      source: 'CRSE, décision 2025-140 du 26 décembre 2025, citée par la presse',
    },
    situation: {
      meter_id: null,
      class: 'DPP',
      mode: 'prepaid',
      phase: 'single',
      phase_assumed: false,
      at: '2026-03-15',
      month_to_date_kwh: 0,
      first_purchase_of_month: true,
      as_of: null,
      stale: false,
    },
  })
  assert.ok(explanation.some((sentence) => sentence.includes('85,9\u{a0}kWh au lieu de 113,9')))
})

test('energy for a class is answered with the least amount that buys it', async () => {
  const cost = (await simulate({ ...firstOfMonth, energy_kwh: 150 })).json<Estimate>()
  assert.equal(cost.amount_xof, 13_037)
  assert.equal(cost.energy_kwh, 150)
  const back = (await simulate({ ...firstOfMonth, amount_xof: cost.amount_xof })).json<Estimate>()
  assert.deepEqual([back.energy_kwh, back.lines], [cost.energy_kwh, cost.lines])
})

test('the explanation speaks the language that is asked for', async () => {
  const answer = await api.server.app.inject({
    method: 'POST',
    url: '/api/tariffs/simulate',
    headers: { authorization: `Bearer ${token}`, 'accept-language': 'en' },
    payload: { ...firstOfMonth, amount_xof: 10_000 },
  })
  assert.equal(answer.headers['content-language'], 'en')
  assert.equal(answer.headers['vary'], 'Accept-Language')
  const { explanation, tariff } = answer.json<Estimate>()
  assert.equal(
    explanation[0],
    'For 10,000\u{a0}F you would get about 113.9\u{a0}kWh, 87.8\u{a0}F per kWh on average, all included.',
  )
  assert.match(explanation.at(-1) ?? '', /^This is an estimate .* DPP prepaid tariff in force since 1 January 2026/)
  assert.match(tariff.source, /^CRSE decision/)
})

test('a day is priced by the tariff of its time, today by default', async () => {
  const at = async (day: string | undefined): Promise<string> => {
    const { at: _at, ...rest } = firstOfMonth
    const asked = day === undefined ? rest : { ...rest, at: day }
    return (await simulate({ ...asked, amount_xof: 5_000 })).json<Estimate>().tariff.valid_from
  }
  assert.equal(await at('2025-12-31'), '2023-12-01')
  assert.equal(await at('2026-01-01'), '2026-01-01')
  assert.equal(await at(undefined), '2026-01-01')
  const ahead = (await simulate({ ...firstOfMonth, at: '2026-12-31', amount_xof: 5_000 })).json<Estimate>()
  assert.ok(ahead.explanation.some((sentence) => sentence.startsWith('Cette date est à venir')))
})

const refusals: readonly (readonly [what: string, body: object, status: number, code: string])[] = [
  ['no quantity', firstOfMonth, 400, 'tariffs/one-quantity'],
  ['both quantities', { ...firstOfMonth, amount_xof: 1, energy_kwh: 1 }, 400, 'tariffs/one-quantity'],
  ['nothing', {}, 400, 'tariffs/one-quantity'],
  ['no subject', { amount_xof: 5_000 }, 400, 'tariffs/one-subject'],
  ['half a situation', { class: 'DPP', mode: 'prepaid', amount_xof: 5_000 }, 400, 'tariffs/one-subject'],
  ['a meter and a class', { ...firstOfMonth, meter_id: randomUUID(), amount_xof: 1 }, 400, 'tariffs/one-subject'],
  ['a meter at a day', { meter_id: randomUUID(), at: '2026-03-15', amount_xof: 1 }, 400, 'tariffs/one-subject'],
  ['no franc', { ...firstOfMonth, amount_xof: 0 }, 400, 'http/invalid-request'],
  ['too many francs', { ...firstOfMonth, amount_xof: 10_000_001 }, 400, 'http/invalid-request'],
  ['half a franc', { ...firstOfMonth, amount_xof: 0.5 }, 400, 'http/invalid-request'],
  ['no energy', { ...firstOfMonth, energy_kwh: 0 }, 400, 'http/invalid-request'],
  ['less than nothing bought', { ...firstOfMonth, month_to_date_kwh: -1, amount_xof: 1 }, 400, 'http/invalid-request'],
  ['a day that is none', { ...firstOfMonth, at: '2026-02-29', amount_xof: 1 }, 400, 'http/invalid-request'],
  ['a class that is none', { ...firstOfMonth, class: 'GP', amount_xof: 1 }, 400, 'http/invalid-request'],
  ['an unknown field', { ...firstOfMonth, amount_xof: 1, debt: 1 }, 400, 'http/invalid-request'],
  ['energy for a fortune', { ...firstOfMonth, energy_kwh: 100_000 }, 422, 'tariffs/amount-out-of-reach'],
  ['a day before all tariffs', { ...firstOfMonth, at: '2023-11-30', amount_xof: 1 }, 422, 'tariffs/unknown-tariff'],
  ['a day far ahead', { ...firstOfMonth, at: '2027-03-16', amount_xof: 1 }, 422, 'tariffs/unknown-tariff'],
  ['postpaid', { ...firstOfMonth, mode: 'postpaid', amount_xof: 1 }, 422, 'tariffs/postpaid-not-simulated'],
  ['a meter of nobody', { meter_id: randomUUID(), amount_xof: 5_000 }, 404, 'tariffs/meter-not-found'],
]

for (const [what, body, status, code] of refusals) {
  test(`a question with ${what} is refused with ${code}`, async () => {
    const answer = await simulate(body)
    assert.equal(answer.statusCode, status, answer.body)
    assert.equal(answer.json<Problem>().code, code)
  })
}

test('a day without a tariff is refused with the days that have one', async () => {
  const answer = await simulate({ ...firstOfMonth, at: '2023-11-30', amount_xof: 5_000 })
  const { known_from: from, known_to: to } = answer.json<{ known_from: string; known_to: string }>()
  assert.deepEqual([from, to], ['2023-12-01', '2027-03-15'])
  for (const at of [from, to]) {
    assert.equal((await simulate({ ...firstOfMonth, at, amount_xof: 5_000 })).statusCode, 200, at)
  }
})

test('1 F and 10,000,000 F are answered, with what is to be said about them', async () => {
  const least = (await simulate({ ...firstOfMonth, amount_xof: 1 })).json<Estimate>()
  assert.equal(least.energy_kwh, 0)
  assert.equal(least.average_xof_per_kwh, null)
  assert.ok(least.explanation.includes('Le plus petit achat possible est de 1\u{202f}000\u{a0}F.'))
  const most = (await simulate({ ...firstOfMonth, amount_xof: 10_000_000 })).json<Estimate>()
  assert.equal(
    most.lines.reduce((sum, line) => sum + line.amount_xof, 0),
    10_000_000,
  )
  assert.ok(most.explanation.some((sentence) => sentence.includes('droit de timbre')))
})

test('a meter is priced where it stands in its month', async () => {
  const meter = await aMeterThatBought(['2026-02-28', 90, 8_000], ['2026-03-01', 113.9, 10_000])
  const second = (await simulate({ meter_id: meter.id.toUpperCase(), amount_xof: 10_000 })).json<Estimate>()
  assert.equal(second.energy_kwh, 85.9)
  assert.deepEqual(second.situation, {
    meter_id: meter.id,
    class: 'DPP',
    mode: 'prepaid',
    phase: 'single',
    phase_assumed: false,
    at: '2026-03-15',
    month_to_date_kwh: 113.9,
    first_purchase_of_month: false,
    as_of: new Date(now).toISOString(),
    stale: false,
  })
  assert.ok(second.explanation.some((sentence) => sentence.startsWith('En premier achat du mois, le même montant')))
})

test('a month without a purchase begins anew, and so does one whose purchase was cancelled', async () => {
  const quiet = await aMeterThatBought(['2026-02-28', 90, 8_000])
  const cancelled = await aMeterThatBought(['2026-03-02', 54.4, 5_000], ['2026-03-03', -54.4, -5_000])
  for (const { id } of [quiet, cancelled]) {
    const estimate = (await simulate({ meter_id: id, amount_xof: 5_000 })).json<Estimate>()
    assert.equal(estimate.energy_kwh, 54.4)
    assert.equal(estimate.situation.first_purchase_of_month, true)
  }
})

test('a debt that the last sale tells is named, not counted', async () => {
  const meter = await anOwnMeter()
  await know(meter.id, [['2026-03-02', 54.4, 5_000]], { SOLDE_DETTE: '2500.00' })
  const { explanation, lines } = (await simulate({ meter_id: meter.id, amount_xof: 5_000 })).json<Estimate>()
  assert.ok(explanation.some((sentence) => sentence.includes('devait encore 2\u{202f}500\u{a0}F')))
  assert.ok(lines.every((line) => line.kind !== 'debt'))
})

test('a meter is for its owner, an accepted share, its agency and admins', async () => {
  const { db } = api.database
  const { app } = api.server
  const agency = await anAgency(db)
  const meter = await aMeter(db, { agencyId: agency.id })
  await know(meter.id, [])
  const asCustomer = async (state?: 'accepted' | 'pending' | 'revoked'): Promise<string> => {
    const { id, phone } = await aCustomer(db)
    if (state !== undefined) await aLink(db, { meterId: meter.id, accountId: id, role: 'shared', state })
    return (await logIn(app, { phone, pin: TEST_PIN })).access_token
  }
  const asStaff = async (role: 'agent' | 'admin' | 'service', code?: string): Promise<string> => {
    const { login } = await aStaffMember(db, role, code)
    return (await logIn(app, { login, password: TEST_PASSWORD })).access_token
  }
  const callers: readonly (readonly [who: string, token: string, status: number])[] = [
    ['accepted share', await asCustomer('accepted'), 200],
    ['pending share', await asCustomer('pending'), 404],
    ['revoked share', await asCustomer('revoked'), 404],
    ['stranger', await asCustomer(), 404],
    ['agent of the agency', await asStaff('agent', agency.code), 200],
    ['agent of another', await asStaff('agent', (await anAgency(db)).code), 404],
    ['admin', await asStaff('admin'), 200],
    ['service', await asStaff('service'), 404],
  ]
  for (const [who, as, status] of callers) {
    assert.equal((await simulate({ meter_id: meter.id, amount_xof: 5_000 }, as)).statusCode, status, who)
    assert.equal((await get(app, `/api/meters/${meter.id}/month`, as)).statusCode, status, who)
  }
})

test('the month of a meter says what is left of each tranche', async () => {
  const meter = await aMeterThatBought(
    ['2026-02-28', 90, 8_000],
    ['2026-03-01', 113.9, 10_000],
    ['2026-03-14', 85.9, 10_000],
  )
  const answer = await get(api.server.app, `/api/meters/${meter.id}/month`, token)
  assert.equal(answer.statusCode, 200, answer.body)
  const month = answer.json<Month>()
  const tranches = month.tranches.map(({ used_kwh, left_kwh, left_xof }) => [used_kwh, left_kwh, left_xof])
  assert.deepEqual(tranches, [
    [150, 0, 0],
    [49.8, 50.2, 7_023],
    [0, null, null],
  ])
  const { tranches: _tranches, tariff: _tariff, ...rest } = month
  assert.deepEqual(rest, {
    meter_id: meter.id,
    from: '2026-03-01',
    to: '2026-04-01',
    class: 'DPP',
    phase: 'single',
    phase_assumed: false,
    energy_kwh: 199.8,
    amount_xof: 20_000,
    first_purchase_of_month: false,
    redevance_xof: 0,
    as_of: new Date(now).toISOString(),
    stale: false,
    estimate: true,
  })
})

test('an untouched month has all tranches and the redevance ahead', async () => {
  const meter = await aMeterThatBought()
  const month = (await get(api.server.app, `/api/meters/${meter.id}/month`, token)).json<Month>()
  assert.deepEqual(
    month.tranches.map(({ left_kwh, left_xof }) => [left_kwh, left_xof]),
    [
      [150, 12_607],
      [100, 13_990],
      [null, null],
    ],
  )
  assert.equal(month.redevance_xof, 429)
})

test('a postpaid meter, and one of unknown class, are not estimated', async () => {
  const { db } = api.database
  const postpaid = await aMeter(db, { kind: 'postpaid' })
  const unknown = await aMeter(db)
  await db.updateTable('meter').set({ tariff_class: null }).where('id', '=', unknown.id).execute()
  for (const [{ id }, code] of [
    [postpaid, 'tariffs/postpaid-not-simulated'],
    [unknown, 'tariffs/unknown-meter-class'],
  ] as const) {
    await aLink(db, { meterId: id, accountId: customer.id })
    await know(id, [])
    for (const answer of [
      await simulate({ meter_id: id, amount_xof: 5_000 }),
      await get(api.server.app, `/api/meters/${id}/month`, token),
    ]) {
      assert.equal(answer.statusCode, 422, answer.body)
      assert.equal(answer.json<Problem>().code, code)
    }
  }
})

test('a meter of unknown phase is taken for a single one, and whoever asks is told so', async () => {
  const ofUnknownPhase = async (...sales: readonly Sale[]) => {
    const meter = await aMeterThatBought(...sales)
    await api.database.db.updateTable('meter').set({ phase: null }).where('id', '=', meter.id).execute()
    return { meter, estimate: (await simulate({ meter_id: meter.id, amount_xof: 5_000 })).json<Estimate>() }
  }
  const told = 'supposé monophasé, avec une redevance de 429\u{a0}F par mois.'
  const { meter, estimate: first } = await ofUnknownPhase()
  assert.equal(first.lines[0]?.amount_xof, 429)
  assert.equal(first.situation.phase_assumed, true)
  assert.ok(first.explanation.some((sentence) => sentence.endsWith(told)))
  const month = (await get(api.server.app, `/api/meters/${meter.id}/month`, token)).json<Month>()
  assert.deepEqual([month.phase, month.phase_assumed, month.redevance_xof], ['single', true, 429])
  // What a later purchase is compared with pays a redevance.
  const { estimate: later } = await ofUnknownPhase(['2026-03-01', 54.4, 5_000])
  assert.ok(later.explanation.some((sentence) => sentence.includes('En premier achat du mois')))
  assert.ok(later.explanation.some((sentence) => sentence.endsWith(told)))
})

test('a source that is away makes the answer stale, and a month that nobody knows unavailable', async () => {
  const meter = await aMeterThatBought(['2026-03-01', 113.9, 10_000])
  const unread = await anOwnMeter()
  const knownAt = new Date(now).toISOString()
  now += 15 * 60_000
  token = await aToken()
  const stale = (await simulate({ meter_id: meter.id, amount_xof: 5_000 })).json<Estimate>()
  assert.equal(stale.situation.stale, true)
  assert.equal(stale.situation.as_of, knownAt)
  assert.ok(stale.explanation.some((sentence) => sentence.includes('15 mars 2026 à 12:00')))
  for (const answer of [
    await simulate({ meter_id: unread.id, amount_xof: 5_000 }),
    await get(api.server.app, `/api/meters/${unread.id}/month`, token),
  ]) {
    assert.equal(answer.statusCode, 503, answer.body)
    assert.ok(answer.headers['retry-after'] !== undefined)
  }
})
