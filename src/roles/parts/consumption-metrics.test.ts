import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Registry } from 'prom-client'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { aHousehold } from '#test/support/consumption-api.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { registerConsumptionMetrics } from './consumption-metrics.ts'

const NOW = Date.parse('2026-03-15T10:00:00Z')
const HOUR = 3_600_000

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

async function valueOf(registry: Registry, metric: string): Promise<string[]> {
  const text = await registry.getSingleMetricAsString(metric)
  return text.split('\n').filter((line) => line.startsWith(metric))
}

test('answers are counted by how they came about, and the share of hits is told', async () => {
  const registry = new Registry()
  const { onServed, onOutcome } = registerConsumptionMetrics(registry, database.db, () => NOW)
  for (const outcome of ['MISS', 'HIT', 'HIT', 'STALE', 'NOTHING'] as const) onServed(outcome)
  assert.deepEqual(await valueOf(registry, 'consumption_answers_total'), [
    'consumption_answers_total{outcome="miss"} 1',
    'consumption_answers_total{outcome="hit"} 2',
    'consumption_answers_total{outcome="stale"} 1',
    'consumption_answers_total{outcome="nothing"} 1',
  ])
  assert.deepEqual(await valueOf(registry, 'consumption_cache_hit_ratio'), ['consumption_cache_hit_ratio 0.6'])
  onOutcome('postpaid', 'failed')
  assert.deepEqual(await valueOf(registry, 'consumption_refreshed_total'), [
    'consumption_refreshed_total{source="postpaid",outcome="failed"} 1',
  ])
})

test('the stalest meter of an active customer is found again after a while; without the database there is no number', async () => {
  const { db } = database
  const { id, meters } = await aHousehold(db, 'prepaid')
  const readAt = new Date(NOW - 2 * HOUR)
  const read = { meter_id: meters[0]?.id ?? '', read_at: readAt, whole_history_at: readAt }
  await db.insertInto('meter_reading_state').values(read).execute()
  await db
    .insertInto('device')
    .values({ account_id: id, platform: 'android', last_seen_at: new Date(NOW) })
    .execute()
  let now = NOW
  const registry = new Registry()
  registerConsumptionMetrics(registry, db, () => now)
  const oldest = () => valueOf(registry, 'consumption_active_oldest_seconds')
  assert.deepEqual(await oldest(), ['consumption_active_oldest_seconds 7200'])
  await db
    .updateTable('meter_reading_state')
    .set({ read_at: new Date(NOW) })
    .execute()
  now += 60_000
  assert.deepEqual(await oldest(), ['consumption_active_oldest_seconds 7260'])
  now += 9 * 60_000
  assert.deepEqual(await oldest(), ['consumption_active_oldest_seconds 600'])

  const away = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/nothing', log: createLogger('silent') })
  const lost = new Registry()
  registerConsumptionMetrics(lost, away.db, () => now)
  assert.deepEqual(await valueOf(lost, 'consumption_active_oldest_seconds'), ['consumption_active_oldest_seconds Nan'])
  await away.close()
})
