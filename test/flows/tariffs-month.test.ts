import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { type Knowledge, openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { debtOf, meterMonth } from '#src/modules/tariffs/meter-month.ts'
import { estimateForMeter } from '#src/modules/tariffs/simulate.ts'
import { TariffBook } from '#src/modules/tariffs/tariff-book.ts'
import { readTariffFile } from '#src/modules/tariffs/tariff-file.ts'
import { AskedPrepaidSource, aSale } from '#test/support/consumption-sources.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { aMeter } from '#test/support/factories.ts'

let fresh: TestDatabase
let database: Database
let knowledge: Knowledge
const sic = new AskedPrepaidSource()
let now = 0
/** What each look at the clock takes. */
let passingMs = 0

before(async () => {
  fresh = await testDatabase()
  const log = createLogger('silent')
  database = openDatabase({ url: fresh.url, log })
  const clock = (): number => (now += passingMs)
  const cache = memoryCache({ clock })
  knowledge = openKnowledge({ db: database.db, cache, prepaid: sic, postpaid: undefined, clock, log })
})
after(async () => {
  await knowledge.readings.close()
  await database.close()
  await fresh.close()
})

async function aTariffMeter() {
  const { id, number, police } = await aMeter(database.db)
  const meter = { id, kind: 'prepaid', number, police, tariffClass: 'DPP', phase: 'single' } as const
  return { meter, key: { number, police: police ?? '' } }
}

test('the source is asked first when what is known is old, so that a purchase of an hour ago counts', async () => {
  now = Date.parse('2026-03-15T10:00:00Z')
  const { meter, key } = await aTariffMeter()
  sic.add(key, aSale('2026-03-02T09:00:00Z', '54.4', '5000'))
  assert.equal((await meterMonth(knowledge, meter)).energyWh, 54_400)
  sic.add(key, aSale('2026-03-15T10:05:00Z', '59.5', '5000'))
  now += 14 * 60_000
  assert.equal((await meterMonth(knowledge, meter)).energyWh, 54_400, 'what is fresh is not asked for again')
  now += 60_000
  assert.deepEqual(await meterMonth(knowledge, meter), {
    day: '2026-03-15',
    from: '2026-03-01',
    to: '2026-04-01',
    energyWh: 113_900,
    amountXof: 10_000,
    isFirstPurchase: false,
    asOf: new Date(now),
    isStale: false,
  })
})

test('a month begins at midnight of Dakar, a leap February too', async () => {
  const { meter, key } = await aTariffMeter()
  sic.add(key, aSale('2028-01-31T23:59:59.997Z', '10.1', '1000'))
  sic.add(key, aSale('2028-02-01T00:00:00.000Z', '20.2', '2000'))
  sic.add(key, aSale('2028-02-29T23:59:59.997Z', '30.3', '3000'))
  now = Date.parse('2028-02-29T23:59:59.999Z')
  const february = await meterMonth(knowledge, meter)
  assert.deepEqual([february.from, february.to, february.energyWh], ['2028-02-01', '2028-03-01', 50_500])
  now += 1
  const march = await meterMonth(knowledge, meter)
  assert.deepEqual([march.from, march.energyWh, march.isFirstPurchase], ['2028-03-01', 0, true])
})

test('an estimate over midnight of New Year is all of the one year or all of the other', async () => {
  const book = new TariffBook(readTariffFile())
  const midnight = Date.parse('2026-01-01T00:00:00Z')
  const days = new Set<string>()
  for (let beforeMs = 0; beforeMs < 12; beforeMs += 1) {
    passingMs = 0
    now = midnight - 60_000
    const { meter, key } = await aTariffMeter()
    sic.add(key, aSale('2025-12-20T09:00:00Z', '54.4', '5000'))
    await meterMonth(knowledge, meter)
    now = midnight - beforeMs
    passingMs = 1
    const wanted = { kind: 'for_amount', amountXof: 5_000 } as const
    const { day, position, tariff } = await estimateForMeter({ knowledge, book }, meter, wanted)
    days.add(day)
    const isNew = day === '2026-01-01'
    assert.deepEqual([position.isFirstPurchase, tariff.validFrom === '2026-01-01'], [isNew, isNew], `${beforeMs} ms`)
  }
  passingMs = 0
  assert.equal(days.size, 2)
})

test('the debt is that of the last sale, whole francs, and unknown when it is old or not told', async () => {
  now = Date.parse('2026-03-15T10:00:00Z')
  const withDebts = async (...debts: readonly (readonly [soldAt: string, debt: string | null])[]) => {
    const { meter, key } = await aTariffMeter()
    for (const [soldAt, SOLDE_DETTE] of debts) {
      sic.add(key, { ...aSale(soldAt, '10', '1000'), delivered: { SOLDE_DETTE } })
    }
    await meterMonth(knowledge, meter)
    return debtOf(knowledge, meter, '2026-03-15')
  }
  assert.equal(await withDebts(['2026-03-01T08:00:00Z', '5000.00'], ['2026-03-01T09:00:00Z', '2500.50']), 2_501)
  assert.equal(await withDebts(['2026-03-01T08:00:00Z', '5000.00'], ['2026-03-02T09:00:00Z', null]), undefined)
  assert.equal(await withDebts(['2025-03-14T08:00:00Z', '5000.00']), undefined)
  assert.equal(await withDebts(), undefined)
})
