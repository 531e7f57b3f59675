import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import type { Entry } from '#src/modules/consumption/entry.ts'
import { keepYears } from '#src/modules/consumption/kept-years.ts'
import { entriesByMeter } from '#src/modules/consumption/queries.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { aMeter } from '#test/support/factories.ts'
import { captureLog } from '#test/support/log.ts'
import { until } from '#test/support/processes.ts'

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

const ALWAYS = { from: '1900-01-01', to: '2100-01-01' }

function entryOn(day: string): Entry {
  const occurredAt = new Date(`${day}T08:00:00Z`)
  return { sourceKey: day, day, occurredAt, energyWh: 1_500, amountXof: 100, delivered: {} }
}

async function aMeterWithEntries(days: readonly string[]): Promise<string> {
  const { id: meterId } = await aMeter(database.db)
  const readAt = new Date('2026-01-01T00:00:00Z')
  const entries = days.map(entryOn)
  await storeReading(database.db, { meterId, range: ALWAYS, isWholeHistory: true, entries, readAt })
  return meterId
}

async function keptDays(meterId: string): Promise<string[]> {
  return ((await entriesByMeter(database.db, [meterId], ALWAYS)).get(meterId) ?? []).map((entry) => entry.day)
}

async function partitionOf(meterId: string, day: string): Promise<{ entry: string; month: string } | undefined> {
  const { rows } = await sql<{ entry: string; month: string }>`
    select e.tableoid::regclass::text as entry, m.tableoid::regclass::text as month
    from consumption_entry e join consumption_month m using (meter_id)
    where meter_id = ${meterId} and day = ${day} and month = date_trunc('month', day::timestamp)`.execute(database.db)
  return rows[0]
}

/** As a process at that time would; what it logged. */
async function upkeepAt(time: string, keptYears: number): Promise<string> {
  const capture = captureLog()
  await keepYears(database.db, Date.parse(time), { log: capture.log, keptYears })
  return capture.text()
}

test('years that come get partitions of their own, with what waited for them; years that are over go, and it is said', async () => {
  const meterId = await aMeterWithEntries(['2001-05-05', '2012-02-29', '2030-12-31', '2031-01-01', '2040-02-29'])
  assert.deepEqual(await partitionOf(meterId, '2040-02-29'), {
    entry: 'consumption_entry_other',
    month: 'consumption_month_other',
  })

  const told = await upkeepAt('2041-06-01T00:00:00Z', 10)
  assert.deepEqual(await keptDays(meterId), ['2031-01-01', '2040-02-29'])
  assert.deepEqual(await partitionOf(meterId, '2040-02-29'), {
    entry: 'consumption_entry_2040',
    month: 'consumption_month_2040',
  })
  assert.match(told, /"partition":"consumption_entry_2012","rows":1,/)
  assert.match(told, /"partition":"consumption_month_other","rows":1,/)
  assert.match(told, /"table":"consumption_entry","year":2043,.*a partition was made/)
  assert.equal(await upkeepAt('2041-06-01T00:00:00Z', 10), '')

  const ahead = await aMeterWithEntries(['2043-12-31'])
  assert.equal((await partitionOf(ahead, '2043-12-31'))?.entry, 'consumption_entry_2043')
})

test('a longer history gets its partitions as well, and several processes do it once', async () => {
  const meterId = await aMeterWithEntries(['2044-01-01'])
  const told = await Promise.all([1, 2, 3].map(() => upkeepAt('2043-06-01T00:00:00Z', 30)))
  assert.equal((await partitionOf(meterId, '2044-01-01'))?.entry, 'consumption_entry_2044')
  for (const year of [2013, 2044]) {
    const line = new RegExp(`"table":"consumption_entry","year":${year},`, 'g')
    assert.equal(told.join('').match(line)?.length, 1, String(year))
  }
})

test('a year that goes keeps nobody from the others while its rows are counted', async () => {
  const { db } = database
  const isAwaited = async (): Promise<boolean> => {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    return rows.length > 0
  }
  await upkeepAt('2043-06-01T00:00:00Z', 10)
  const { dropping } = await db.transaction().execute(async (tx) => {
    await sql`lock table consumption_entry_2033`.execute(tx)
    // It does not wait for ever: on a busy machine it may leave the year to the next hour.
    const ended = Promise.allSettled([upkeepAt('2044-06-01T00:00:00Z', 10)])
    await until('the year is awaited', isAwaited)
    await db
      .transaction()
      .execute((reader) => sql`lock table only consumption_entry in access share mode nowait`.execute(reader))
    // Wrapped, for it ends only after this commit.
    return { dropping: ended }
  })
  await dropping
})

test('several processes drop the years that are over once, none of them stumbling', async () => {
  await upkeepAt('2044-06-01T00:00:00Z', 20)
  const meterId = await aMeterWithEntries(['2034-02-03', '2035-02-03', '2036-02-03'])
  const told = (await Promise.all([1, 2, 3].map(() => upkeepAt('2045-06-01T00:00:00Z', 10)))).join('')
  assert.deepEqual(await keptDays(meterId), ['2035-02-03', '2036-02-03'])
  for (const table of ['consumption_entry', 'consumption_month']) {
    assert.equal(told.match(new RegExp(`"partition":"${table}_2034","rows":1,`, 'g'))?.length, 1, table)
  }
})
