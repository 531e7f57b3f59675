import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { markRead } from '#src/modules/inbox/reads.ts'
import { removeOldMessages } from '#src/modules/inbox/retention.ts'
import { testDatabase } from '#test/support/database.ts'
import { aMessage, aReader } from '#test/support/inbox-messages.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 10, 22, 10)
const opened = new CloseStack(createLogger('fatal'))
let database: Database
before(async () => {
  const fresh = opened.add('test database', await testDatabase())
  database = opened.add('pool', openDatabase({ url: fresh.url, log: createLogger('silent') }))
})
after(() => opened.close())

type State = 'queued' | 'sending' | 'done' | 'cancelled'

/** A message of so many days ago with a receipt or a recipient, a chunk, and a delivery that changed last then too. */
async function aged(reader: string, days: number, state: State, isBroadcast: boolean): Promise<string> {
  const { db } = database
  const at = new Date(NOW - days * DAY_MS)
  const id = await aMessage(db, { at: at.getTime(), ...(!isBroadcast && { to: [reader] }) })
  await markRead(db, id, reader, at)
  await db
    .updateTable('notification')
    .set({ state, done_at: state === 'done' ? at : null, cancelled_at: state === 'cancelled' ? at : null })
    .where('id', '=', id)
    .execute()
  const through = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  await db
    .insertInto('notification_chunk')
    .values({
      notification_id: id,
      number: 1,
      after_account: reader,
      through_account: through,
      settled_through: reader,
    })
    .execute()
  await aDelivery(id, at)
  return id
}

async function aDelivery(notificationId: string, at: Date): Promise<void> {
  await database.db
    .insertInto('delivery')
    .values({
      notification_id: notificationId,
      device_id: randomUUID(),
      state: 'failed',
      attempts: 1,
      first_tried_at: at,
      updated_at: at,
    })
    .execute()
}

async function left(table: 'notification' | 'delivery', ids: readonly string[]): Promise<boolean[]> {
  const column = table === 'notification' ? 'id' : 'notification_id'
  const rows = await database.db.selectFrom(table).select(`${column} as id`).where(column, 'in', ids).execute()
  return ids.map((id) => rows.some((row) => row.id === id))
}

test('old messages go with all that hangs on them, old outcomes before; never what is still being sent', async () => {
  const reader = await aReader(database.db, 0)
  const ids = [
    await aged(reader, 200, 'done', true),
    await aged(reader, 200, 'cancelled', false),
    await aged(reader, 200, 'sending', true),
    await aged(reader, 200, 'queued', false),
    await aged(reader, 40, 'done', true),
    await aged(reader, 40, 'sending', false),
    await aged(reader, 20, 'done', false),
  ]
  assert.equal(await removeOldMessages(database.db, NOW), 2)
  assert.deepEqual(await left('notification', ids), [false, false, true, true, true, true, true])
  assert.deepEqual(await left('delivery', ids), [false, false, true, true, false, true, true])
  for (const table of ['notification_receipt', 'notification_recipient', 'notification_chunk'] as const) {
    const rows = await database.db.selectFrom(table).select('notification_id').execute()
    assert.ok(rows.length > 0 && rows.every((row) => !ids.slice(0, 2).includes(row.notification_id)), table)
  }
})

test('a call ends when its statements are used up, and later ones go on; several at once do no harm', async () => {
  const { db } = database
  const reader = await aReader(db, 0)
  const id = await aged(reader, 300, 'done', true)
  for (let count = 0; count < 20; count += 1) await aDelivery(id, new Date(NOW))
  assert.equal(await removeOldMessages(db, NOW, { mostBatches: 2 }), 0)
  assert.deepEqual(await left('notification', [id]), [true])
  const removed = await Promise.all(Array.from({ length: 4 }, () => removeOldMessages(db, NOW)))
  assert.equal(
    removed.reduce((sum, count) => sum + count, 0),
    1,
  )
  assert.deepEqual(await left('notification', [id]), [false])
})
