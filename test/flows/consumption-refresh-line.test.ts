import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { sql } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { type Database, type Db, openDatabase } from '#src/database/database.ts'
import { activeMeters, type ActiveMetersAsked, stalestActive } from '#src/modules/consumption/active-meters.ts'
import { storeReading } from '#src/modules/consumption/store-reading.ts'
import { planClient, readsOf } from '#test/plans/plan.ts'
import { recorderOf } from '#test/plans/recorder.ts'
import { aHousehold } from '#test/support/consumption-api.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { until } from '#test/support/processes.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-03-15T23:00:00Z')
const hoursAgo = (hours: number): Date => new Date(NOW - hours * HOUR)

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
afterEach(async () => {
  await sql`truncate account, meter cascade`.execute(database.db)
})

/** Many customers with a meter each, the meters in the order of their ids; every third customer was seen of late. */
async function manyMeters(count: number): Promise<{ seen: string[]; unseen: string[] }> {
  const { rows } = await sql<{ id: string; is_seen: boolean }>`
    with place as (select generate_series(0, ${count - 1}::int) as place),
    account as (
      insert into account (role, phone, secret_hash, first_name, last_name)
      select 'customer', '+2217' || lpad(place::text, 8, '0'), 'none', '', '' from place
      returning id, phone
    ),
    meter as (
      insert into meter (kind, number, police) select 'prepaid', place::text, 'P' from place returning id, number
    ),
    device as (
      insert into device (account_id, platform, last_seen_at)
      select id, 'web', case when right(phone, 8)::int % 3 = 0 then ${hoursAgo(1)} else ${hoursAgo(2_000)} end::timestamptz
      from account
    ),
    link as (
      insert into meter_link (meter_id, account_id, role, state)
      select meter.id, account.id, 'owner', 'accepted' from meter join account on number::int = right(phone, 8)::int
    )
    select id, number::int % 3 = 0 as is_seen from meter order by id`.execute(database.db)
  const idsOf = (isSeen: boolean): string[] => rows.flatMap((row) => (row.is_seen === isSeen ? row.id : []))
  return { seen: idsOf(true), unseen: idsOf(false) }
}

/** As a database that was filled past the product has them: all at once, and to the microsecond. */
const markRead = (at: string) =>
  sql`insert into meter_reading_state (meter_id, read_at, whole_history_at)
    select id, ${at}::timestamptz, ${at}::timestamptz from meter`.execute(database.db)

/** None of these lines has so many pages: one that does begins again and again with the same meters. */
const MOST_PAGES = 20

async function lineOf(changed: Partial<ActiveMetersAsked> = {}, db: Db = database.db): Promise<string[]> {
  let pages = 0
  const goesOn = (): boolean => {
    pages += 1
    assert.ok(pages <= MOST_PAGES, 'the line does not end')
    return true
  }
  const asked = { kind: 'prepaid', seenSince: hoursAgo(720), readBefore: hoursAgo(12), goesOn } as const
  const ids: string[] = []
  for await (const meter of activeMeters(db, { ...asked, ...changed })) ids.push(meter.id)
  return ids
}

const idleOnes = async (): Promise<string[]> => {
  const rows = await database.db
    .selectFrom('meter_reading_state')
    .select('meter_id')
    .where('is_idle', '=', true)
    .orderBy('meter_id')
    .execute()
  return rows.map((row) => row.meter_id)
}

test('every meter of somebody seen comes once, over pages and among others, however alike their readings', async () => {
  const { seen } = await manyMeters(900)
  assert.deepEqual(await lineOf(), seen)
  await markRead('2026-03-10T08:00:00.123456Z')
  assert.deepEqual(await lineOf(), seen)
  assert.deepEqual(await lineOf({ kind: 'postpaid' }), [])
  assert.deepEqual(await lineOf({ readBefore: new Date('2026-03-10T08:00:00.123Z') }), [])
})

test('a meter that nobody looks at leaves the line, and is in it again once somebody has looked', async () => {
  const { seen, unseen } = await manyMeters(6)
  await markRead('2026-03-10T08:00:00Z')
  assert.deepEqual(await lineOf(), seen)
  assert.deepEqual(await idleOnes(), unseen)
  const [back] = unseen
  assert.ok(back)
  await sql`update device set last_seen_at = ${hoursAgo(1)} from meter_link
    where meter_id = ${back} and device.account_id = meter_link.account_id`.execute(database.db)
  assert.deepEqual(await lineOf(), seen)
  const range = { from: '2026-01-01', to: '2027-01-01' }
  await storeReading(database.db, {
    meterId: back,
    range,
    isWholeHistory: true,
    entries: [],
    readAt: hoursAgo(13),
  })
  assert.deepEqual(await lineOf(), [...seen, back])
})

test('one that is read while its page is looked at is not put aside', async () => {
  const { unseen } = await manyMeters(2)
  const { db } = database
  await markRead('2026-03-10T08:00:00Z')
  const [meterId = ''] = unseen
  const isAwaited = async (): Promise<boolean> => {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    return rows.length > 0
  }
  const { walked } = await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('meter_reading_state')
      .set({ read_at: new Date(NOW) })
      .where('meter_id', '=', meterId)
      .execute()
    const walking = lineOf()
    await until('the page waits for the row', isAwaited)
    // Wrapped, for it ends only after this commit.
    return { walked: walking }
  })
  await walked
  assert.deepEqual(await idleOnes(), [])
})

test('whoever stops it is heard before the next page, though nobody was seen on this one', async () => {
  await manyMeters(1)
  let left = 2
  assert.deepEqual(await lineOf({ seenSince: hoursAgo(0), goesOn: () => (left -= 1) >= 0 }), [])
  assert.equal(left, -1)
})

test('who has no device is seen by logging in, until the session ends', async () => {
  const { id: accountId, meters } = await aHousehold(database.db, 'postpaid')
  const session = { account_id: accountId, created_at: hoursAgo(100), expires_at: hoursAgo(-100) }
  await database.db.insertInto('session').values(session).execute()
  assert.deepEqual(await lineOf({ kind: 'postpaid' }), [meters[0]?.id])
  await sql`update session set ended_at = ${hoursAgo(1)}, end_reason = 'logout'`.execute(database.db)
  assert.deepEqual(await lineOf({ kind: 'postpaid' }), [])
})

test('no page has to read a table from end to end, nor has looking for the stalest', async () => {
  await manyMeters(300)
  await markRead('2026-03-10T08:00:00Z')
  await sql`analyze`.execute(database.db)
  const recorder = recorderOf(database.db)
  await lineOf({}, recorder.db)
  await stalestActive(recorder.db, hoursAgo(720))
  const client = await planClient(fresh.url)
  try {
    // So few rows are read whole unless that is forbidden: only where there is no index it still happens then.
    await client.query('set enable_seqscan = off')
    const used = new Set<string>()
    for (const statement of recorder.take()) {
      const { whole, indexes } = await readsOf(client, statement)
      assert.deepEqual(whole, [], statement.sql)
      for (const index of indexes) used.add(index)
    }
    for (const index of ['meter_pkey', 'meter_reading_state_pkey', 'meter_reading_state_line']) {
      assert.ok(used.has(index), index)
    }
  } finally {
    await client.end()
  }
})
