import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { testDatabase } from '#test/support/database.ts'
import { MOST_STARTS, TaskAttempts } from '#src/modules/task-attempts/task-attempts.ts'

test('redelivered starts without an end are counted by task, and one too many is poison', async () => {
  const fresh = await testDatabase()
  const database = openDatabase({ url: fresh.url, log: createLogger('fatal'), maxConnections: 2 })
  try {
    let now = Date.UTC(2026, 2, 15)
    const attempts = new TaskAttempts({ db: database.db, clock: () => now })
    const count = async (): Promise<number> =>
      (await database.db.selectFrom('task_attempt').selectAll().execute()).length

    for (let start = 0; start < MOST_STARTS * 2; start += 1)
      assert.equal(await attempts.isPoison('fresh', false), false)
    assert.equal(await count(), 0, 'first deliveries are not counted')

    for (let start = 0; start < MOST_STARTS; start += 1) {
      assert.equal(await attempts.isPoison('killer', true), false)
      assert.equal(await attempts.isPoison('neighbour', true), false)
      await attempts.ended('neighbour')
    }
    assert.equal(await attempts.isPoison('killer', true), true)
    assert.equal(await attempts.isPoison('neighbour', true), false)
    assert.equal(await attempts.isPoison('killer', true), false, 'sent again, it has its starts again')

    now += 8 * 24 * 3_600_000
    assert.equal(await attempts.isPoison('later', true), false)
    await attempts.prune()
    assert.equal(await count(), 1, 'only those that were heard of within a week are kept')
  } finally {
    await database.close()
    await fresh.close()
  }
})
