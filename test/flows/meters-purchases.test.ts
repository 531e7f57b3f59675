import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Static } from 'typebox'
import type { BillsAnswer, PurchasesAnswer } from '#src/modules/meters/schemas.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { aHousehold, type Caller, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember } from '#test/support/factories.ts'

type Purchases = Static<typeof PurchasesAnswer>
type Bills = Static<typeof BillsAnswer>

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

async function purchases(caller: Caller, meterId: string, query = ''): Promise<Purchases> {
  const response = await api.get(caller, `/api/meters/${meterId}/purchases${query}`)
  assert.equal(response.statusCode, 200, response.body)
  assert.equal(response.headers['cache-control'], 'no-store')
  return response.json<Purchases>()
}

async function aCustomerWith(kind: 'prepaid' | 'postpaid') {
  const { id, meters } = await aHousehold(api.db, kind)
  const [meter] = meters
  assert.ok(meter)
  return { id, meter }
}

const TOKEN = { TOKEN: '01234567890123456789' }

suite('purchases', () => {
  test('the first look reads the source, and another one finds them stored', async () => {
    const { id, meter } = await aCustomerWith('prepaid')
    const sale = aSale('2026-03-01T08:00:00.337Z', '113.9', '10000', 'ORDER')
    api.sic.add(meter.key, { ...sale, delivered: { ...TOKEN, MONTANT_TCO: '233.43', NOM_OPERATEUR: 'WAVE' } })
    const asked = api.sic.asked
    const first = await purchases({ id }, meter.id)
    assert.deepEqual(first, {
      meter_id: meter.id,
      items: [
        {
          order_number: 'ORDER',
          purchased_at: '2026-03-01T08:00:00.337Z',
          amount_xof: 10_000,
          energy_kwh: 113.9,
          average_xof_per_kwh: 87.8,
          tranches: [],
          tco_xof: 233,
          tva_xof: null,
          redevance_xof: null,
          debt_paid_xof: 0,
          debt_left_xof: null,
          rounding_xof: 0,
          sales_channel: 'WAVE',
          recharge_codes: ['0123 4567 8901 2345 6789'],
        },
      ],
      next_cursor: null,
      as_of: '2026-03-15T10:00:00.000Z',
      stale: false,
    })
    assert.deepEqual(await purchases({ id }, meter.id), first)
    assert.equal(api.sic.asked, asked + 1)
  })

  test('every page goes on where the one before ended, newest first, whatever the order numbers', async () => {
    const { id, meter } = await aCustomerWith('prepaid')
    const times = ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-03-02T07:00:00Z', '2026-03-02T19:00:00Z']
    const keys = ['d', 'c', 'z', 'a']
    times.forEach((time, place) => api.sic.add(meter.key, aSale(time, '10', '1000', keys[place])))
    api.sic.add(meter.key, aSale('2026-03-02T19:00:00Z', '10', '1000', 'b'))
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Purchases = await purchases({ id }, meter.id, `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.items.map((item) => item.order_number))
      cursor = page.next_cursor
    } while (cursor !== null)
    assert.deepEqual(seen, ['b', 'a', 'z', 'c', 'd'])
  })

  test('codes are for the owner and those with whom it is shared, never for staff', async () => {
    const agency = await anAgency(api.db)
    const meter = await aMeter(api.db, { agencyId: agency.id })
    const [owner, friend, refused] = [await aCustomer(api.db), await aCustomer(api.db), await aCustomer(api.db)]
    await aLink(api.db, { meterId: meter.id, accountId: owner.id })
    await aLink(api.db, { meterId: meter.id, accountId: friend.id, role: 'shared' })
    await aLink(api.db, { meterId: meter.id, accountId: refused.id, role: 'shared', state: 'refused' })
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const admin = { ...(await aStaffMember(api.db, 'admin')), role: 'admin' as const }
    const key = { number: meter.number, police: meter.police ?? '' }
    api.sic.add(key, { ...aSale('2026-03-01T08:00:00Z', '113.9', '10000'), delivered: TOKEN })
    for (const caller of [owner, friend]) {
      assert.deepEqual((await purchases(caller, meter.id)).items[0]?.recharge_codes, ['0123 4567 8901 2345 6789'])
    }
    for (const caller of [agent, admin]) {
      const page = await purchases(caller, meter.id)
      assert.equal(page.items.length, 1)
      // An id is random, and may hold any four digits.
      assert.doesNotMatch(JSON.stringify({ ...page, meter_id: '' }), /recharge_codes|0123/)
    }
    assert.equal((await api.get(refused, `/api/meters/${meter.id}/purchases`)).statusCode, 404)
  })

  test('a source that is down: the last known, marked stale; nothing known is 503', async () => {
    const down = await consumptionApi()
    try {
      const { id, meters } = await aHousehold(down.db, 'prepaid', 'prepaid')
      const [known, unknown] = meters
      assert.ok(known && unknown)
      down.sic.add(known.key, aSale('2026-03-01T08:00:00Z', '113.9', '10000'))
      assert.equal((await down.get({ id }, `/api/meters/${known.id}/purchases`)).statusCode, 200)
      down.sic.failure = new SourceUnavailable('unreachable')
      down.passTime(3_600_000)
      const page = (await down.get({ id }, `/api/meters/${known.id}/purchases`)).json<Purchases>()
      assert.deepEqual([page.items.length, page.stale, page.as_of], [1, true, '2026-03-15T10:00:00.000Z'])
      const response = await down.get({ id }, `/api/meters/${unknown.id}/purchases`)
      assert.equal(response.statusCode, 503)
      assert.equal(response.headers['retry-after'], '5')
      assert.equal(response.json<{ code: string }>().code, 'consumption/source-unavailable')
    } finally {
      await down[Symbol.asyncDispose]()
    }
  })

  test('refused: cursors that are not ours, and a meter of the other kind', async () => {
    const { id, meter } = await aCustomerWith('prepaid')
    const forged = (...key: string[]): string => Buffer.from(JSON.stringify(key)).toString('base64url')
    const moment = '2026-03-01T08:00:00.000Z'
    const cursors = [
      'x',
      forged('2026-03-01', moment),
      forged('2026-02-30', moment, 'a'),
      forged('2026-03-01', 'now', 'a'),
      forged('2026-03-01', moment, 'a\0'),
      forged('2026-03-02', moment, 'a'),
      // Years that PostgreSQL does not have.
      forged('0000-01-01', '0000-01-01T00:00:00.000Z', 'a'),
      forged('2026-03-01', '-271821-04-20T00:00:00.000Z', 'a'),
    ]
    for (const cursor of cursors) {
      const response = await api.get({ id }, `/api/meters/${meter.id}/purchases?cursor=${cursor}`)
      assert.equal(response.statusCode, 400, cursor)
      assert.equal(response.json<{ code: string }>().code, 'http/invalid-cursor')
    }
    const response = await api.get({ id }, `/api/meters/${meter.id}/bills`)
    assert.equal(response.statusCode, 422)
    assert.equal(response.json<{ code: string }>().code, 'meters/not-postpaid')
  })
})

suite('bills', () => {
  test('as they were delivered', async () => {
    const { id, meter } = await aCustomerWith('postpaid')
    const delivered = {
      numFact: 'F2602000001',
      DATFACT: '2026-02-10',
      DATEECH: '2026-02-25T00:00:00',
      NBJRS_: '60',
      BT_MONT_HT: '30196.09',
      BT_MONT_TCO: '754.90',
      MONT_TVA: '0.00',
      BT_CONSOM1: '300.000',
      BT_CONSOM2: '41.000',
      BT_CONSOM3: '0.000',
    }
    api.postpaid.add(meter.number, { ...aBill('2026-02-10', '341', '30950.99'), delivered })
    api.postpaid.add(meter.number, aBill('2025-12-10', '0', '872'))
    const response = await api.get({ id }, `/api/meters/${meter.id}/bills`)
    assert.equal(response.statusCode, 200, response.body)
    const unsaid = { number: null, due_on: null, days: null, tranches: [], tco_xof: null, tva_xof: null }
    assert.deepEqual(response.json<Bills>(), {
      meter_id: meter.id,
      items: [
        {
          number: 'F2602000001',
          billed_on: '2026-02-10',
          due_on: '2026-02-25',
          days: 60,
          energy_kwh: 341,
          tranches: [
            { tranche: 1, energy_kwh: 300 },
            { tranche: 2, energy_kwh: 41 },
          ],
          amount_before_tax_xof: 30_196,
          tco_xof: 755,
          tva_xof: 0,
          amount_xof: 30_951,
          average_xof_per_kwh: 90.77,
        },
        {
          ...unsaid,
          billed_on: '2025-12-10',
          energy_kwh: 0,
          amount_before_tax_xof: null,
          amount_xof: 872,
          average_xof_per_kwh: null,
        },
      ],
      next_cursor: null,
      as_of: '2026-03-15T10:00:00.000Z',
      stale: false,
    })
  })

  test('pages go on, and purchases are for the other kind of meter', async () => {
    const { id, meter } = await aCustomerWith('postpaid')
    for (const day of ['2025-10-10', '2025-12-10', '2026-02-10']) {
      api.postpaid.add(meter.number, aBill(day, '100', '10000'))
    }
    const first = (await api.get({ id }, `/api/meters/${meter.id}/bills?limit=2`)).json<Bills>()
    const rest = await api.get({ id }, `/api/meters/${meter.id}/bills?limit=2&cursor=${first.next_cursor}`)
    const second = rest.json<Bills>()
    assert.deepEqual(
      [...first.items, ...second.items].map((bill) => bill.billed_on),
      ['2026-02-10', '2025-12-10', '2025-10-10'],
    )
    assert.equal(second.next_cursor, null)
    const other = await api.get({ id }, `/api/meters/${meter.id}/purchases`)
    assert.deepEqual([other.statusCode, other.json<{ code: string }>().code], [422, 'meters/not-prepaid'])
  })
})
