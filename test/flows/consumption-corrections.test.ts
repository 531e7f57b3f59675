import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { fromSale } from '#src/modules/consumption/entry.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import {
  aHousehold,
  type Answer,
  type ConsumptionApi,
  consumptionApi,
  TEST_NOW,
} from '#test/support/consumption-api.ts'
import { aSale } from '#test/support/consumption-sources.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

let api: ConsumptionApi
beforeEach(async () => {
  api = await consumptionApi()
})
afterEach(() => api[Symbol.asyncDispose]())

async function anOldMeter() {
  const { id, meters } = await aHousehold(api.db, 'prepaid')
  const { key, ...meter } = meters[0]!
  const putSales = (...sales: ReturnType<typeof aSale>[]): void => {
    api.sic.held.length = 0
    for (const sale of sales) api.sic.add(key, sale)
  }
  const read = async (): Promise<{ energy: number; amount: number; asOf: string | null }> => {
    const query = '?from=2020-01-01&to=2027-01-01&group_by=year'
    const answer = (await api.read({ id }, { query })).json<Answer>()
    assert.equal(answer.stale, false)
    return { energy: answer.energy_kwh, amount: answer.amount_xof, asOf: answer.as_of }
  }
  return { meter, putSales, read }
}

const old = aSale('2023-06-01T08:00:00Z', '100', '10000', 'old')
const recent = aSale('2026-03-01T08:00:00Z', '20', '2000', 'recent')

test('the first read asks for the whole history, the next for what may have been corrected, one a month for all', async () => {
  const { putSales, read } = await anOldMeter()
  putSales(old, recent)
  assert.deepEqual(await read(), { energy: 120, amount: 12_000, asOf: '2026-03-15T10:00:00.000Z' })
  assert.deepEqual(api.sic.ranges, [{ from: '2016-01-01', to: '2027-03-16' }])

  // The old one is out of the window: its loss is not noticed yet.
  putSales(recent, aSale('2026-03-15T09:00:00Z', '3', '300'))
  api.passTime(DAY)
  assert.deepEqual(await read(), { energy: 123, amount: 12_300, asOf: '2026-03-16T10:00:00.000Z' })
  assert.deepEqual(api.sic.ranges[1], { from: '2025-11-16', to: '2027-03-17' })

  api.passTime(29 * DAY)
  assert.deepEqual(await read(), { energy: 23, amount: 2_300, asOf: '2026-04-14T10:00:00.000Z' })
  assert.equal(api.sic.ranges[2]?.from, '2016-01-01')
})

test('a sale that is delivered long after its date shows within a week, an older one within a month', async () => {
  const { putSales, read } = await anOldMeter()
  putSales(recent)
  await read()
  putSales(recent, old, aSale('2025-08-01T08:00:00Z', '5', '500', 'late'))
  api.passTime(6 * DAY)
  assert.equal((await read()).energy, 20)
  api.passTime(DAY)
  assert.equal((await read()).energy, 25)
  assert.equal(api.sic.ranges.at(-1)?.from, '2025-02-15')
  api.passTime(DAY)
  assert.equal((await read()).energy, 25)
  assert.equal(api.sic.ranges.at(-1)?.from, '2025-11-23')
  api.passTime(22 * DAY)
  assert.equal((await read()).energy, 125)
})

test('a correction replaces, a withdrawn sale goes, a moved one counts once', async () => {
  const { putSales, read } = await anOldMeter()
  const withdrawn = aSale('2026-02-01T08:00:00Z', '7', '700')
  putSales(old, recent, withdrawn)
  assert.equal((await read()).energy, 127)
  putSales(
    { ...old, soldAt: new Date('2026-01-31T08:00:00Z') },
    { ...recent, energyKwh: '20.5', soldAt: new Date('2026-03-02T08:00:00Z') },
  )
  api.passTime(DAY)
  assert.deepEqual(await read(), { energy: 120.5, amount: 12_000, asOf: '2026-03-16T10:00:00.000Z' })
})

test('a refresh without news writes no entry, yet the knowledge is newer', async () => {
  const { meter, putSales, read } = await anOldMeter()
  const versions = async () =>
    (
      await sql`select xmin::text, source_key from consumption_entry where meter_id = ${meter.id} order by 2`.execute(
        api.db,
      )
    ).rows
  putSales(old, recent)
  await read()
  const before = await versions()
  api.passTime(DAY)
  assert.equal((await read()).asOf, '2026-03-16T10:00:00.000Z')
  assert.equal(before.length, 2)
  assert.deepEqual(await versions(), before)
})

test('a reading that arrives late does not undo a newer one', async () => {
  const { meter, putSales, read } = await anOldMeter()
  putSales(old, recent)
  await read()
  const late = {
    meterId: meter.id,
    range: { from: '2016-01-01', to: '2027-01-01' },
    isWholeHistory: true,
    entries: [fromSale(old)],
    readAt: new Date(TEST_NOW - 1),
  }
  assert.deepEqual(await storeReading(api.db, late), { isNews: false, repairedMonths: [] })
  assert.equal((await read()).energy, 120)
})

test('what a clock that was ahead has noted holds nobody up once it is right', async () => {
  const { putSales, read } = await anOldMeter()
  putSales(old)
  api.passTime(400 * DAY)
  assert.equal((await read()).asOf, '2027-04-19T10:00:00.000Z')
  api.sic.failure = new SourceUnavailable('unreachable')
  api.passTime(DAY)
  await assert.rejects(read())
  api.sic.failure = undefined
  putSales(old, recent)
  api.passTime(-401 * DAY)
  assert.deepEqual(await read(), { energy: 120, amount: 12_000, asOf: '2026-03-15T10:00:00.000Z' })
})

test('a reading that was under way when a clock that was ahead noted another is stored, and the next asks for all', async () => {
  const { meter, putSales, read } = await anOldMeter()
  putSales(old, recent)
  api.passTime(400 * DAY)
  await read()
  api.passTime(-400 * DAY)
  const range = { from: '2025-11-15', to: '2027-03-16' }
  const entries = [fromSale({ ...recent, energyKwh: '21' })]
  await storeReading(api.db, { meterId: meter.id, range, isWholeHistory: false, entries, readAt: new Date(TEST_NOW) })
  api.passTime(DAY)
  assert.equal((await read()).energy, 120)
  assert.equal(api.sic.ranges.at(-1)?.from, '2016-01-01')
})

test('sums of months that are not those of their entries are repaired with the whole history, and told of', async () => {
  const { meter, putSales, read } = await anOldMeter()
  putSales(old, recent)
  await read()
  await sql`update consumption_month set amount_xof = 1 where meter_id = ${meter.id} and month = '2026-03-01'`.execute(
    api.db,
  )
  await sql`update consumption_month set month = '2023-07-01' where meter_id = ${meter.id} and month = '2023-06-01'`.execute(
    api.db,
  )
  // As between the dropping of a year's entries and that of its months.
  await sql`insert into consumption_month values (${meter.id}, '2015-12-01', 1, 1, 1)`.execute(api.db)
  api.passTime(DAY)
  assert.equal((await read()).amount, 10_001)
  putSales(old, recent, aSale('2026-04-01T08:00:00Z', '3', '300'))
  api.passTime(29 * DAY)
  assert.equal((await read()).amount, 12_300)
  assert.match(api.log.text(), /"months":\["2023-06-01","2023-07-01","2026-03-01"\],.*not those of their entries/)
  const byMonth = await sql`select month from consumption_month where meter_id = ${meter.id} order by month`.execute(
    api.db,
  )
  assert.deepEqual(
    byMonth.rows,
    ['2023-06-01', '2026-03-01', '2026-04-01'].map((month) => ({ month })),
  )
})

test('rows are kept as delivered, without the characters that PostgreSQL cannot hold', async () => {
  const { meter, putSales, read } = await anOldMeter()
  putSales(
    { ...recent, delivered: { NOM_AGENCE_ENCAISSEMENT: 'Thiès\0\0', NOM_OPERATEUR: 'Guichet \ud83d', TOKEN: null } },
    recent,
  )
  api.sic.held.reverse()
  assert.equal((await read()).energy, 20)
  const rows = await api.db
    .selectFrom('consumption_entry')
    .select('delivered')
    .where('meter_id', '=', meter.id)
    .execute()
  assert.equal(rows.length, 1)
})

test('a range reads the partitions of its years alone', async () => {
  const plan = await sql<{ 'QUERY PLAN': string }>`
    explain select from consumption_entry where meter_id = gen_random_uuid() and day >= '2025-03-01' and day < '2026-04-01'`.execute(
    api.db,
  )
  const partitions = plan.rows.flatMap(
    (row) => / on (consumption_entry_(?:\d+|other)) /.exec(row['QUERY PLAN'])?.[1] ?? [],
  )
  assert.deepEqual(partitions, ['consumption_entry_2025', 'consumption_entry_2026'])
})
