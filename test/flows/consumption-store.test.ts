import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { addDays } from '#src/core/calendar.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { sumByPeriod, sumOf } from '#src/modules/consumption/aggregate.ts'
import type { Entry } from '#src/modules/consumption/entry.ts'
import { GROUPINGS, periodsOf } from '#src/modules/consumption/periods.ts'
import { amountsByMeter } from '#src/modules/consumption/month-sums.ts'
import { entriesByMeter, readingStates } from '#src/modules/consumption/queries.ts'
import { type Reading, storeReading } from '#src/modules/consumption/store-reading.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { aMeter } from '#test/support/factories.ts'

let fresh: TestDatabase
let database: Database
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('silent') })
})
after(async () => {
  await database.close()
  await fresh.close()
})

/** Whole months, over a leap day, ends of years and the first of the partitions. */
const FIRST_DAY = '2008-11-01'
const DAYS = 1_308
const aDay = fc.integer({ min: 0, max: DAYS - 1 }).map((days) => addDays(FIRST_DAY, days))
const ALL = { from: FIRST_DAY, to: addDays(FIRST_DAY, DAYS) }

interface Told {
  readonly range: { readonly from: string; readonly to: string }
  /** What the source holds at the time, of which a reading delivers what lies in its range. */
  readonly held: readonly { key: number; day: string; energyWh: number; amountXof: number }[]
}

const told: fc.Arbitrary<Told> = fc.record({
  range: fc.tuple(aDay, fc.integer({ min: 1, max: 400 })).map(([from, days]) => ({ from, to: addDays(from, days) })),
  held: fc.uniqueArray(
    fc.record({
      key: fc.nat({ max: 12 }),
      day: aDay,
      energyWh: fc.integer({ min: -5_000, max: 999_999 }),
      amountXof: fc.integer({ min: -5_000, max: 99_999 }),
    }),
    { selector: ({ key }) => key, maxLength: 12 },
  ),
})

function deliveredBy({ range, held }: Told): Entry[] {
  return held
    .filter(({ day }) => day >= range.from && day < range.to)
    .map(({ key, day, energyWh, amountXof }) => ({
      sourceKey: String(key),
      day,
      occurredAt: new Date(`${day}T12:00:00Z`),
      energyWh,
      amountXof,
      delivered: {},
    }))
}

/** What should be kept after a reading: of its range what was delivered, of the rest what was there under other keys. */
function afterReading(kept: readonly Entry[], { range }: Told, delivered: readonly Entry[]): Entry[] {
  const keys = new Set(delivered.map((entry) => entry.sourceKey))
  const outside = kept.filter(({ day, sourceKey }) => (day < range.from || day >= range.to) && !keys.has(sourceKey))
  return [...outside, ...delivered]
}

const byDay = (entries: readonly Pick<Entry, 'day' | 'energyWh' | 'amountXof'>[]) =>
  entries
    .map(({ day, energyWh, amountXof }) => ({ day, energyWh, amountXof }))
    .toSorted((a, b) => a.day.localeCompare(b.day) || a.energyWh - b.energyWh || a.amountXof - b.amountXof)

/** Months whose sums, or number of entries, are not those of the entries. */
async function wrongMonths(meterId: string): Promise<readonly unknown[]> {
  const { rows } = await sql`
    select month, kept.amount_xof, entries.amount_xof as of_entries
    from (select * from consumption_month where meter_id = ${meterId}) kept
    full join (
      select date_trunc('month', day::timestamp)::date as month, sum(energy_kwh) as energy_kwh,
        sum(amount_xof) as amount_xof, count(*) as entries
      from consumption_entry where meter_id = ${meterId} group by 1
    ) entries using (month)
    where (kept.energy_kwh, kept.amount_xof, kept.entries)
      is distinct from (entries.energy_kwh, entries.amount_xof, entries.entries)`.execute(database.db)
  return rows
}

test('after any readings, what is kept and every grouping of it is what the source said last', async () => {
  const { db } = database
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 5 }), async (readings) => {
      const { id: meterId } = await aMeter(db)
      let expected: Entry[] = []
      for (const [index, reading] of readings.entries()) {
        const entries = deliveredBy(reading)
        const readAt = new Date(Date.UTC(2026, 0, 1) + index)
        const stored: Reading = { meterId, range: reading.range, isWholeHistory: false, entries, readAt }
        await storeReading(db, stored)
        expected = afterReading(expected, reading, entries)
      }
      const kept = (await entriesByMeter(db, [meterId], ALL)).get(meterId) ?? []
      assert.deepEqual(byDay(kept), byDay(expected))
      assert.deepEqual(await wrongMonths(meterId), [])
      const states = await readingStates(db, [meterId])
      for (const grouping of GROUPINGS) {
        const periods = periodsOf(ALL, grouping)
        const fromEntries = sumByPeriod(periods, kept)
        assert.deepEqual(sumOf(fromEntries), sumOf(expected), grouping)
        const amounts = (await amountsByMeter(db, states, ALL, grouping)).get(meterId) ?? []
        assert.deepEqual(sumByPeriod(periods, amounts), fromEntries, grouping)
      }
    }),
    { numRuns: 40 },
  )
})

test('of readings that are stored at the same time the newest counts, and the months are its own', async () => {
  const { db } = database
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 2, maxLength: 6 }), fc.nat(), async (readings, turn) => {
      const { id: meterId } = await aMeter(db)
      const stored = readings.map(({ held }, index): Reading => {
        const readAt = new Date(Date.UTC(2026, 0, 1) + index)
        return { meterId, range: ALL, isWholeHistory: true, entries: deliveredBy({ range: ALL, held }), readAt }
      })
      const newest = stored.at(-1)
      assert.ok(newest)
      const first = turn % stored.length
      const inAnyOrder = [...stored.slice(first), ...stored.slice(0, first)]
      await Promise.all(inAnyOrder.map((reading) => storeReading(db, reading)))
      const kept = (await entriesByMeter(db, [meterId], ALL)).get(meterId) ?? []
      assert.deepEqual(byDay(kept), byDay(newest.entries))
      assert.deepEqual(await wrongMonths(meterId), [])
      assert.deepEqual((await readingStates(db, [meterId])).get(meterId)?.readAt, newest.readAt)
    }),
    { numRuns: 20 },
  )
})
