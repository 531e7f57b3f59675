import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import type { Static } from 'typebox'
import type { ExportAnswer } from '#src/modules/export/schemas.ts'
import type { BillsAnswer, PurchasesAnswer } from '#src/modules/meters/schemas.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import {
  aHousehold,
  type Answer,
  type Caller,
  type ConsumptionApi,
  consumptionApi,
  tokenOf,
} from '#test/support/consumption-api.ts'
import { aBill, aSale } from '#test/support/consumption-sources.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { aLink, aMeter, anAgency, aStaffMember } from '#test/support/factories.ts'
import { schemaFaults } from '#test/support/xmllint.ts'

type Exported = Static<typeof ExportAnswer>

const ESPI_SCHEMA = join(import.meta.dirname, '../data/espi/naesb-espi.xsd')
/** More than two pages of the export. */
const MANY = 1_203
const MINUTE_MS = 60_000

let api: ConsumptionApi
let caller: Caller
let prepaid: Awaited<ReturnType<typeof aHousehold>>['meters'][number]
let postpaid: typeof prepaid

before(async () => {
  api = await consumptionApi()
  const { id, meters } = await aHousehold(api.db, 'prepaid', 'postpaid')
  assert.ok(meters[0] && meters[1])
  ;[prepaid, postpaid] = meters as [typeof prepaid, typeof prepaid]
  caller = { id }
  // Many share a moment and a day; the last ones reverse a sale.
  const first = Date.parse('2025-03-01T00:00:00Z')
  for (let place = 0; place < MANY; place += 1) {
    const soldAt = new Date(first + Math.floor(place / 3) * 700 * MINUTE_MS).toISOString()
    const sign = place > MANY - 3 ? '-' : ''
    api.sic.add(prepaid.key, aSale(soldAt, `${sign}${place % 90}.${place % 1_000}`, `${sign}${place * 7}`))
  }
  const delivered = { IDHistorique: '7', numFact: ' F2512,7 ' }
  api.postpaid.add(postpaid.number, { ...aBill('2025-12-31', '301.125', '41250.5', '7'), delivered })
  api.postpaid.add(postpaid.number, aBill('2026-01-01', '12', '2000', '8'))
})
after(() => api[Symbol.asyncDispose]())

async function exported(query: string, by: Caller = caller, userId = by.id): Promise<string> {
  const response = await api.get(by, `/api/consumption/${userId}/export${query}`)
  assert.equal(response.statusCode, 200, response.body)
  return response.body
}

suite('CSV', () => {
  test('a line per purchase and bill, under its header', async () => {
    const response = await api.get(
      caller,
      `/api/consumption/${caller.id}/export?from=2025-12-01&to=2026-03-01&meter_id=${postpaid.id}`,
    )
    assert.equal(
      response.body,
      [
        'meter_id,meter_number,kind,date,occurred_at,reference,energy_kwh,amount_xof,number',
        `${postpaid.id},${postpaid.number},postpaid,2025-12-31,2025-12-31T00:00:00.000Z,7,301.125,41251,"F2512,7"`,
        `${postpaid.id},${postpaid.number},postpaid,2026-01-01,2026-01-01T00:00:00.000Z,8,12,2000,`,
        '',
      ].join('\r\n'),
    )
    assert.equal(response.headers['content-type'], 'text/csv; charset=utf-8')
    assert.equal(response.headers['cache-control'], 'no-store')
    assert.equal(response.headers['content-disposition'], 'attachment; filename="samaconso-2025-12-01-2026-03-01.csv"')
    assert.equal(response.headers['x-data-as-of'], '2026-03-15T10:00:00.000Z')
    assert.equal(response.headers['x-data-stale'], 'false')
  })
})

suite('every format', () => {
  test('holds each entry once, and what consumption sums up', async () => {
    const range = '?from=2025-03-01&to=2027-01-01'
    const answer = (await api.read(caller, { query: `${range}&group_by=year` })).json<Answer>()
    const wattHours = Math.round(answer.energy_kwh * 1_000)
    const rows: Record<string, string>[] = parse(await exported(`${range}&format=csv`), { columns: true })
    assert.equal(rows.length, MANY + 2)
    assert.equal(new Set(rows.map((row) => `${row['meter_id']} ${row['reference']}`)).size, MANY + 2)
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
    assert.equal(sum(rows.map((row) => Number(row['amount_xof']))), answer.amount_xof)
    assert.equal(sum(rows.map((row) => Math.round(Number(row['energy_kwh']) * 1_000))), wattHours)

    const json = JSON.parse(await exported(`${range}&format=json`)) as Exported
    assert.deepEqual(
      json.entries.map((entry) => Object.values(entry).map((value) => String(value ?? ''))),
      rows.map((row) =>
        ['meter_id', 'date', 'occurred_at', 'reference', 'energy_kwh', 'amount_xof', 'number'].map((name) => row[name]),
      ),
    )
    assert.deepEqual(
      json.entries.map((entry) => entry.date),
      [prepaid, postpaid].flatMap(({ id }) =>
        json.entries.flatMap((entry) => (entry.meter_id === id ? [entry.date] : [])).toSorted(),
      ),
    )

    const espi = await exported(`${range}&format=espi`)
    const numbers = (pattern: RegExp): number[] => [...espi.matchAll(pattern)].map((match) => Number(match[1]))
    assert.equal(sum(numbers(/<value>(-?\d+)<\/value>/g)), wattHours)
    assert.equal(sum(numbers(/<cost>(-?\d+)<\/cost>/g)), answer.amount_xof * 100_000)
    const days = new Set(rows.map((row) => `${row['meter_id']} ${row['date']}`))
    assert.equal(numbers(/<timePeriod><duration>86400<\/duration><start>(\d+)</g).length, days.size)
  })

  test('gives what is listed the number under which the customer finds it there', async () => {
    const { entries } = JSON.parse(await exported('?format=json&from=2025-03-01&to=2027-01-01')) as Exported
    const numbersOf = (id: string) =>
      entries.flatMap((entry) => (entry.meter_id === id ? [entry.number] : [])).toSorted()
    const bills = await api.get(caller, `/api/meters/${postpaid.id}/bills`)
    const listed = bills.json<Static<typeof BillsAnswer>>().items.map(({ number }) => number)
    assert.deepEqual(listed, [null, 'F2512,7'])
    assert.deepEqual(numbersOf(postpaid.id), listed.toSorted())
    const orders: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const url = `/api/meters/${prepaid.id}/purchases?limit=100${cursor && `&cursor=${cursor}`}`
      const page: Static<typeof PurchasesAnswer> = (await api.get(caller, url)).json()
      orders.push(...page.items.map(({ order_number: number }) => number))
      cursor = page.next_cursor
    }
    assert.equal(orders.length, MANY)
    assert.deepEqual(numbersOf(prepaid.id), orders.toSorted())
  })

  test('of a range that holds nothing is whole', async () => {
    const range = '?from=2011-01-01&to=2012-01-01'
    assert.equal((await exported(range)).split('\r\n').length, 2)
    const { entries, meters } = JSON.parse(await exported(`${range}&format=json`)) as Exported
    assert.deepEqual([entries, meters.length], [[], 2])
    const feed = await exported(`${range}&format=espi`)
    assert.equal(await schemaFaults(ESPI_SCHEMA, [feed]), '')
    // Nothing is kept of those years: a block would say that nothing was consumed.
    assert.deepEqual([feed.match(/<UsagePoint /g)?.length, feed.match(/<IntervalBlock /g)], [2, null])
  })

  test('of somebody without a meter is whole, and knows of no time that it is of', async () => {
    const nobody = await aHousehold(api.db)
    const csv = await api.get(nobody, `/api/consumption/${nobody.id}/export`)
    assert.deepEqual([csv.body.split('\r\n').length, csv.headers['x-data-as-of']], [2, undefined])
    const { entries, meters, as_of: asOf } = JSON.parse(await exported('?format=json', nobody)) as Exported
    assert.deepEqual([entries, meters, asOf], [[], [], null])
    assert.equal(await schemaFaults(ESPI_SCHEMA, [await exported('?format=espi', nobody)]), '')
  })

  test('has the days of its range and no others: leap days, ends of months and years, ten years at most', async () => {
    const household = await aHousehold(api.db, 'prepaid')
    const [meter] = household.meters
    assert.ok(meter)
    const moments = [
      '2016-02-28T23:59:59.999Z',
      '2016-02-29T00:00:00.000Z',
      '2016-03-01T00:00:00.000Z',
      '2023-12-31T23:59:59.999Z',
      '2024-01-01T00:00:00.000Z',
      '2024-02-29T23:59:59.999Z',
      '2024-03-31T01:30:00.000Z',
      '2026-02-28T12:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]
    for (const moment of moments) api.sic.add(meter.key, aSale(moment, '1', '100'))
    for (const [from, to] of [
      ['2016-02-29', '2026-03-01'],
      ['2016-02-28', '2016-02-29'],
      ['2024-02-29', '2024-03-01'],
      ['2023-12-31', '2024-01-02'],
      ['2024-03-01', '2024-04-01'],
      ['2026-02-28', '2026-03-01'],
    ] as const) {
      const inside = moments.filter((moment) => moment >= from && moment < to)
      const range = `?from=${from}&to=${to}`
      const { entries } = JSON.parse(await exported(`${range}&format=json`, household)) as Exported
      assert.deepEqual(
        entries.map((entry) => [entry.date, entry.occurred_at]),
        inside.map((moment) => [moment.slice(0, 10), moment]),
      )
      const feed = await exported(`${range}&format=espi`, household)
      assert.equal(await schemaFaults(ESPI_SCHEMA, [feed]), '')
      const times = [...feed.matchAll(/<(interval|timePeriod)><duration>(\d+)<\/duration><start>(\d+)</g)]
      const [block, ...readings] = times.map(([, , duration, start]) => [Number(duration), Number(start)])
      const seconds = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1_000
      assert.deepEqual(block, [seconds(to) - seconds(from), seconds(from)])
      assert.deepEqual(
        readings,
        inside.map((moment) => [86_400, seconds(moment.slice(0, 10))]),
      )
    }
  })
})

suite('an answer to HEAD', () => {
  test('has the headers of the export, of which no part is made', async (t) => {
    const url = `/api/consumption/${caller.id}/export?from=2025-03-01&to=2027-01-01&format=`
    for (const format of ['csv', 'json', 'espi']) {
      const { headers } = await api.get(caller, url + format)
      const parsed = t.mock.method(JSON, 'parse')
      const response = await api.app.inject({ method: 'HEAD', url: url + format, headers: tokenOf(caller) })
      await aTurn()
      const pages = parsed.mock.calls.filter((call) => call.arguments[0].startsWith('[['))
      parsed.mock.restore()
      assert.deepEqual([response.statusCode, response.body, pages], [200, '', []])
      const { 'transfer-encoding': chunked, ...others } = { ...headers, 'x-request-id': undefined, date: undefined }
      assert.deepEqual({ ...response.headers, 'x-request-id': undefined, date: undefined }, others)
      assert.equal(chunked, 'chunked')
    }
    const refused = await api.app.inject({ method: 'HEAD', url: `${url}xlsx`, headers: tokenOf(caller) })
    assert.deepEqual([refused.statusCode, refused.body], [400, ''])
  })
})

suite('Green Button', () => {
  test('the feed is valid, and each resource alone under the schema of NAESB alone', async () => {
    const feed = await exported('?format=espi')
    assert.equal(await schemaFaults(ESPI_SCHEMA, [feed]), '')
    const resources = [...feed.matchAll(/<content type="application\/xml">([\s\S]*?)<\/content>/g)].map(
      ([, xml]) => xml,
    )
    const names = resources.map((xml) => /^<(\w+)/.exec(xml ?? '')?.[1])
    const ofMeter = ['UsagePoint', 'MeterReading', 'IntervalBlock']
    assert.deepEqual(names, ['LocalTimeParameters', 'ReadingType', ...ofMeter, ...ofMeter])
    const folder = await mkdtemp(join(tmpdir(), 'samaconso-espi-'))
    try {
      const alone = join(folder, 'naesb-espi.xsd')
      await copyFile(ESPI_SCHEMA, alone)
      assert.equal(await schemaFaults(alone, resources.map(String)), '')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('the same data give the same bytes, other ranges other blocks of the same meter, other meters another feed', async () => {
    const feed = await exported('?format=espi&from=2025-12-01&to=2026-02-01')
    assert.equal(await exported('?format=espi&from=2025-12-01&to=2026-02-01'), feed)
    const ids = (text: string): string[] => [...text.matchAll(/<id>urn:uuid:([^<]+)/g)].map(([, id]) => id ?? '')
    const other = ids(await exported('?format=espi&from=2025-11-01&to=2026-02-01'))
    const kept = ids(feed).filter((id) => other.includes(id))
    assert.equal(kept.length, ids(feed).length - 3)
    assert.ok(kept.includes(prepaid.id))
    const ofOne = ids(await exported(`?format=espi&from=2025-12-01&to=2026-02-01&meter_id=${prepaid.id}`))
    const others = ofOne.filter((id) => !ids(feed).includes(id))
    assert.deepEqual(others, [ofOne[0]])
  })

  test('canary: xmllint refuses a feed with a value that the schema does not know', async () => {
    const feed = await exported('?format=espi')
    for (const [told, wrong] of [
      ['<kind>0</kind>', '<kind>electricity</kind>'],
      ['<value>', '<value>1.'],
      ['<updated>', '<changed/><updated>'],
    ] as const) {
      assert.ok(feed.includes(told), told)
      assert.match(await schemaFaults(ESPI_SCHEMA, [feed.replace(told, wrong)]), /fails to validate/, wrong)
    }
  })

  test('text of elsewhere is escaped, and what the schema cannot count is left out', async () => {
    const { id, meters } = await aHousehold(api.db, 'postpaid')
    assert.ok(meters[0])
    const number = `<&>"\r\u{1}${id.slice(0, 8)}`
    await api.db.updateTable('meter').set({ number }).where('id', '=', meters[0].id).execute()
    api.postpaid.add(number, aBill('2026-01-01', '99999999999', '99999999999'))
    for (const key of ['2', '3']) api.postpaid.add(number, aBill('2026-02-01', '99999999999', '1', key))
    const feed = await exported('?format=espi', { id })
    assert.equal(await schemaFaults(ESPI_SCHEMA, [feed]), '')
    assert.deepEqual(feed.match(/<value>.*<\/value>/g), ['<value>99999999999000</value>'])
    assert.deepEqual(feed.match(/<cost>.*<\/cost>/g), ['<cost>200000</cost>'])
  })
})

suite('an export', () => {
  test('is the same whether the id is typed in capitals or not', async () => {
    for (const format of ['csv', 'json', 'espi']) {
      const query = `?format=${format}&meter_id=${postpaid.id}`
      assert.equal(await exported(query, caller, caller.id.toUpperCase()), await exported(query))
    }
  })

  test('an agent takes the meters of the agency alone', async () => {
    const agency = await anAgency(api.db)
    const meter = await aMeter(api.db, { agencyId: agency.id })
    await aLink(api.db, { meterId: meter.id, accountId: caller.id, role: 'shared' })
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const { meters } = JSON.parse(await exported('?format=json', agent, caller.id)) as Exported
    assert.deepEqual(
      meters.map(({ meter_id: id }) => id),
      [meter.id],
    )
    await api.db.deleteFrom('meter_link').where('meter_id', '=', meter.id).execute()
    assert.equal((await api.get(agent, `/api/consumption/${caller.id}/export`)).statusCode, 404)
  })

  test('refused with the errors of consumption', async () => {
    const stranger = await aMeter(api.db)
    const refusals: [string, number, string][] = [
      ['?format=xlsx', 400, 'http/invalid-request'],
      ['?from=2026-02-30', 400, 'http/invalid-request'],
      ['?from=2026-03-01&to=2026-03-01', 400, 'consumption/empty-range'],
      ['?from=2010-01-01&to=2026-01-01', 400, 'consumption/range-too-long'],
      ['?group_by=day', 400, 'http/invalid-request'],
      [`?meter_id=${stranger.id}`, 404, 'consumption/meter-not-found'],
    ]
    for (const [query, status, code] of refusals) {
      const response = await api.get(caller, `/api/consumption/${caller.id}/export${query}`)
      assert.deepEqual([response.statusCode, response.json<{ code: string }>().code], [status, code], query)
    }
  })

  test('with a source down: what is known and says so; nothing known is 503', async () => {
    const down = await consumptionApi()
    try {
      const { id, meters } = await aHousehold(down.db, 'prepaid', 'postpaid')
      assert.ok(meters[0] && meters[1])
      down.postpaid.add(meters[1].number, aBill('2026-01-01', '12', '2000'))
      down.sic.failure = new SourceUnavailable('unreachable')
      const url = `/api/consumption/${id}/export?format=`
      const response = await down.get({ id }, `${url}json`)
      assert.equal(response.headers['x-data-stale'], 'true')
      assert.match(String(response.headers['content-disposition']), /-2026-04-01-incomplete\.json"$/)
      const { stale, entries, meters: told } = response.json<Exported>()
      assert.deepEqual([stale, entries.length], [true, 1])
      assert.deepEqual(
        told.map(({ as_of: asOf }) => asOf),
        [null, '2026-03-15T10:00:00.000Z'],
      )
      const feed = (await down.get({ id }, `${url}espi`)).body
      assert.equal(await schemaFaults(ESPI_SCHEMA, [feed]), '')
      assert.equal(feed.match(/<IntervalBlock /g)?.length, 1)
      const nothing = await down.get({ id }, `${url}csv&meter_id=${meters[0].id}`)
      assert.equal(nothing.statusCode, 503)
      assert.match(String(nothing.headers['content-type']), /problem\+json/)
    } finally {
      await down[Symbol.asyncDispose]()
    }
  })

  test('says from which day on its data are kept: earlier ones are missing, not nothing', async () => {
    const url = `/api/consumption/${caller.id}/export?from=2015-06-01&to=2016-06-01&format=`
    const json = await api.get(caller, `${url}json`)
    assert.equal(json.json<Exported>().known_from, '2016-01-01')
    const csv = await api.get(caller, `${url}csv`)
    for (const { headers } of [json, csv]) assert.equal(headers['x-data-known-from'], '2016-01-01')
    const start = Date.parse('2016-01-01T00:00:00Z') / 1_000
    const feed = (await api.get(caller, `${url}espi`)).body
    assert.match(feed, new RegExp(`<interval><duration>${152 * 86_400}</duration><start>${start}</start></interval>`))
  })
})
