import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { testApi, type TestApi } from '#test/support/api.ts'

const MINUTE_MS = 60_000
const START_MS = Date.UTC(2026, 2, 15, 10, 0, 30)

let api: TestApi
let notificationId: string
let nowMs = START_MS

before(async () => {
  api = await testApi({ clock: () => nowMs })
  notificationId = randomUUID()
  const now = new Date(nowMs)
  await api.database.db
    .insertInto('notification')
    .values({
      id: notificationId,
      type: 'general',
      title: 'T',
      body: 'B',
      data: '{}',
      priority: 'normal',
      audience: '{}',
      task_id: randomUUID(),
      state: 'sending',
      recipients: 0,
      queued_at: now,
      visible_at: now,
    })
    .execute()
})
after(() => api[Symbol.asyncDispose]())

interface Outcome {
  readonly state: 'sent' | 'failed' | 'dead' | 'retrying' | 'held'
  readonly reason?: string
  readonly attempts?: number
  readonly agoMs?: number
}

async function record(count: number, { state, reason, attempts = 1, agoMs = 0 }: Outcome): Promise<void> {
  const at = new Date(nowMs - agoMs)
  await api.database.db
    .insertInto('delivery')
    .values(
      Array.from({ length: count }, () => ({
        notification_id: notificationId,
        device_id: randomUUID(),
        state,
        attempts,
        first_tried_at: at,
        next_attempt_at: state === 'retrying' ? at : null,
        reason: reason ?? null,
        updated_at: at,
      })),
    )
    .execute()
}

async function recordChunk(number: number, sent: number, doneAtMs: number | null): Promise<void> {
  const [after_account, through_account] = [randomUUID(), randomUUID()]
  await api.database.db
    .insertInto('notification_chunk')
    .values({
      notification_id: notificationId,
      number,
      after_account,
      through_account,
      settled_through: through_account,
      sent,
      done_at: doneAtMs === null ? null : new Date(doneAtMs),
    })
    .execute()
}

async function scrape(): Promise<(name: string) => number> {
  const { body } = await api.server.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })
  return (name) => {
    const line = body.split('\n').find((each) => each.startsWith(`${name} `))
    return Number(line?.slice(name.length) ?? assert.fail(`no ${name}`))
  }
}

const outcomes = (metric: (name: string) => number): number[] =>
  ['sent', 'failed', 'dead_target'].map((outcome) => metric(`push_recent{outcome="${outcome}"}`))

test('nobody was pushed: no outcome, and a share of nothing is nothing', async () => {
  const metric = await scrape()
  assert.deepEqual(outcomes(metric), [0, 0, 0])
  for (const name of ['failed', 'dead_target', 'sender_mismatch']) assert.equal(metric(`push_${name}_ratio`), 0)
  assert.equal(metric('push_retrying'), 0)
})

test('pushes of the window are counted by outcome, those of chunks too, and nothing else is', async () => {
  nowMs += 10_000
  await record(10, { state: 'sent' })
  await record(3, { state: 'failed', reason: 'INVALID_ARGUMENT' })
  await record(1, { state: 'failed', reason: 'SENDER_ID_MISMATCH', agoMs: 14 * MINUTE_MS })
  await record(6, { state: 'dead', reason: 'UNREGISTERED' })
  await record(2, { state: 'retrying', reason: 'UNAVAILABLE', agoMs: 20 * MINUTE_MS })
  await recordChunk(1, 80, nowMs - 5 * MINUTE_MS)
  // Never tried, before the window, under way.
  await record(50, { state: 'failed', reason: 'expired', attempts: 0 })
  await record(50, { state: 'failed', agoMs: 16 * MINUTE_MS })
  await recordChunk(2, 50, nowMs - 16 * MINUTE_MS)
  await recordChunk(3, 50, null)
  // The first scrape has counted all but the newest two minutes for good: another process starts afresh.
  const fresh = await api.another()
  const { body } = await fresh.app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })
  for (const line of [
    'push_recent{outcome="sent"} 90',
    'push_recent{outcome="failed"} 4',
    'push_recent{outcome="dead_target"} 6',
    'push_retrying 2',
    'push_failed_ratio 0.04',
    'push_dead_target_ratio 0.06',
    'push_sender_mismatch_ratio 0.01',
  ]) {
    assert.ok(body.includes(`\n${line}\n`), `${line} in\n${body.match(/^push_.*$/gm)?.join('\n')}`)
  }
})

test('an answer is kept for ten seconds, a minute that is over for as long as it counts', async () => {
  const { db } = api.database
  await db.deleteFrom('delivery').execute()
  await db.deleteFrom('notification_chunk').execute()
  nowMs += 16 * MINUTE_MS
  await record(5, { state: 'sent' })
  assert.deepEqual(outcomes(await scrape()), [5, 0, 0])
  await record(2, { state: 'dead' })
  nowMs += 9_999
  assert.deepEqual(outcomes(await scrape()), [5, 0, 0])
  nowMs += 1
  assert.deepEqual(outcomes(await scrape()), [5, 0, 2])
  nowMs += 2 * MINUTE_MS
  await scrape()
  // Not looked at again: it was counted.
  await db.deleteFrom('delivery').execute()
  nowMs += MINUTE_MS
  await record(1, { state: 'failed' })
  assert.deepEqual(outcomes(await scrape()), [5, 1, 2])
  nowMs += 12 * MINUTE_MS
  assert.deepEqual(outcomes(await scrape()), [0, 1, 0])
})

test('without the database a scrape still answers, and says that it does not know', async () => {
  nowMs += 20_000
  await api.database.close()
  const metric = await scrape()
  assert.ok(outcomes(metric).every(Number.isNaN))
  assert.ok(Number.isNaN(metric('push_failed_ratio')))
})
