import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type CompiledQuery, sql } from 'kysely'
import pg from 'pg'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { fanOutStep } from '#src/modules/notifications/sending/fan-out.ts'
import { beginSending, type Sending } from '#src/modules/notifications/sending/sending.ts'
import { sqlChunkStore } from '#src/modules/notifications/sending/sql-chunk-store.ts'
import { notificationStatus } from '#src/modules/notifications/status.ts'
import { recorderOf } from '#test/plans/recorder.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { aMeter, anAgency } from '#test/support/factories.ts'
import { aMessage } from '#test/support/inbox-messages.ts'

/** How many rows each statement of a broadcast goes through, with tens of thousands of customers: more than three steps. */

const CUSTOMERS = 65_000
const PER_STEP = 20_000
const CHUNK = 128
const NOW = new Date('2026-03-15T10:00:00Z')

let fresh: TestDatabase
let database: Database
let client: pg.Client
let agencyId: string
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('fatal') })
  client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  const { db } = database
  agencyId = (await anAgency(db)).id
  const meter = await aMeter(db, { agencyId })
  // Past the pool, which gives a statement less time, and past the checks of foreign keys.
  await client.query(`
    set session_replication_role = replica;
    insert into account (role, phone, secret_hash)
    select 'customer', '+22178' || lpad(n::text, 7, '0'), 'none' from generate_series(1, ${CUSTOMERS}) as n;
    insert into device (account_id, platform, target_kind, target) select id, 'android', 'token', id from account;
    insert into meter_link (meter_id, account_id, role, state) select '${meter.id}', id, 'shared', 'accepted' from account;
    insert into delivery (notification_id, device_id, state, attempts, first_tried_at, updated_at)
    select agency.id, device.id, 'failed', 1, now(), now() from device, agency limit 20000;
    analyze`)
})
after(async () => {
  await client?.end()
  await database?.close()
  await fresh?.close()
})

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

/** The most rows that one node of its plan went through, and the tables that it reads from end to end. Changes nothing. */
async function costOf({ sql: text, parameters }: CompiledQuery): Promise<{ rows: number; whole: string[] }> {
  await client.query('begin')
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `explain (analyze, timing off, format json) ${text}`,
      [...parameters],
    )
    const nodes = everyNode(rows[0]!['QUERY PLAN'][0].Plan)
    return {
      rows: Math.max(
        ...nodes.map((node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']),
      ),
      whole: nodes.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? []) : [])),
    }
  } finally {
    await client.query('rollback')
  }
}

function everyNode(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(everyNode)]
}

const LARGE = new Set(['account', 'device', 'meter_link', 'notification_chunk', 'delivery', 'notification_recipient'])

async function assertWithin(statements: readonly CompiledQuery[], most: number): Promise<void> {
  for (const statement of statements.filter(({ sql: text }) => /^\s*(with|select)/.test(text))) {
    const { rows, whole } = await costOf(statement)
    assert.ok(rows <= most, `${rows} rows, where ${most} are its share:\n${statement.sql}`)
    assert.deepEqual(
      whole.filter((table) => LARGE.has(table)),
      [],
      statement.sql,
    )
  }
}

async function aBroadcast(audience: { readonly agencyId?: string }): Promise<Sending> {
  const id = await aMessage(database.db, { at: NOW.getTime(), id: randomUUID(), ...audience })
  await database.db.updateTable('notification').set({ recipients: CUSTOMERS }).where('id', '=', id).execute()
  const sending = await beginSending(database.db, id, NOW)
  assert.ok(sending)
  return sending
}

const audiences: readonly [name: string, audience: () => { readonly agencyId?: string }][] = [
  ['everyone', () => ({})],
  ['an agency', () => ({ agencyId })],
]

for (const [name, audience] of audiences) {
  test(`${name}: a step looks at the accounts of the step, a chunk at those of the chunk`, async () => {
    const recorder = recorderOf(database.db)
    let sending = await aBroadcast(audience())
    for (let step = 0; step < 3; step += 1) {
      await fanOutStep(recorder.db, sending, CHUNK, NOW)
      const statements = recorder.take()
      assert.ok(statements.length >= 4)
      await assertWithin(statements, PER_STEP)
      const later = await beginSending(database.db, sending.id, NOW)
      assert.ok(later?.fannedOutThrough)
      sending = later
    }
    await sql`analyze notification_chunk`.execute(database.db)
    const store = sqlChunkStore(recorder.db)
    const chunk = await store.chunk(sending.id, 200)
    assert.ok(chunk)
    const devices = await store.devices(sending, { after: chunk.settledThrough, through: chunk.through })
    assert.equal(devices.length, CHUNK)
    await assertWithin(recorder.take(), CHUNK)
  })
}

test('a status looks at the chunks of its own notification, and at no customer', async () => {
  const sending = await aBroadcast({})
  await fanOutStep(database.db, sending, CHUNK, NOW)
  await sql`analyze notification_chunk`.execute(database.db)
  const recorder = recorderOf(database.db)
  assert.ok(await notificationStatus(recorder.db, sending.id, NOW))
  await assertWithin(recorder.take(), Math.ceil(PER_STEP / CHUNK))
})

test('the check would notice a statement that looks further', async () => {
  const recorder = recorderOf(database.db)
  await sql`select count(*) from account a where a.role = 'customer' and a.disabled_at is null`.execute(recorder.db)
  await assert.rejects(assertWithin(recorder.take(), PER_STEP), /where 20000 are its share/)
})
