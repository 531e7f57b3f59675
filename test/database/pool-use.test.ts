import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { testDatabase } from '#test/support/database.ts'

test('a pool tells what its connections do, and what waits for one', async (t) => {
  const log = createLogger('fatal')
  const opened = new CloseStack(log)
  t.after(() => opened.close())
  const { url } = opened.add('test database', await testDatabase())
  const database = opened.add('pool', openDatabase({ url, log, maxConnections: 2 }))
  assert.deepEqual(database.use(), { busy: 0, idle: 0, waiting: 0 })
  const ask = () => sql`select pg_sleep(0.01)`.execute(database.db)
  const asked = Promise.all([ask(), ask(), ask()])
  // Kysely takes a connection in a later turn than that of the question.
  while (database.use().waiting === 0) await new Promise(setImmediate)
  assert.deepEqual(database.use(), { busy: 2, idle: 0, waiting: 1 })
  await asked
  assert.deepEqual(database.use(), { busy: 0, idle: 2, waiting: 0 })
})
