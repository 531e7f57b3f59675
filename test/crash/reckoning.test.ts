import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { type TestDatabase, testDatabase } from '#test/support/database.ts'
import type { Accepted } from './load.ts'
import { type Person, somePeople } from './people.ts'
import { pushKey, type Receipt } from './receipts.ts'
import { type Evidence, reckon, type Reckoning } from './reckoning.ts'

/** The crash runs say that nothing was lost: here is what they say when something was. */

const NOW_MS = Date.UTC(2026, 2, 15, 10)
const PEOPLE = 120

let fresh: TestDatabase
let database: Database
let people: Person[]
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('fatal'), maxConnections: 2 })
  people = await somePeople(database.db, PEOPLE)
})
after(async () => {
  await database.close()
  await fresh.close()
})

/** A notification to one person, and what came of it. */
interface Case {
  readonly state?: 'sending' | 'done' | 'cancelled'
  readonly delivery?: { readonly state: 'sent' | 'failed' | 'dead'; readonly maybeDuplicate?: boolean }
  /** Sent without a row, by the count of the chunk. */
  readonly counted?: number
  readonly receipts?: readonly Partial<Receipt>[]
  readonly accepted?: Partial<Accepted>
  readonly isUnderWay?: boolean
  readonly isNotAccepted?: boolean
  readonly brokenAtMs?: number
}

const SENT = { atMs: NOW_MS, outcome: 'sent', retryAfterMs: 0 }
const FINE: Case = { delivery: { state: 'sent' }, receipts: [SENT] }

let next = 0
async function told(
  given: Case,
): Promise<Omit<Reckoning, 'accepted' | 'promised' | 'sent'> & { push: string; id: string }> {
  const { db } = database
  const person = people[PEOPLE - 1 - next]
  next += 1
  assert.ok(person !== undefined)
  const id = randomUUID()
  const { state = 'done', delivery, counted = 0 } = given
  await db.deleteFrom('notification').execute()
  const texts = { type: 'test', title: 't', body: 'b', data: '{}', audience: '{}', priority: 'normal' } as const
  const at = new Date(NOW_MS)
  const ends = { done_at: state === 'done' ? at : null, cancelled_at: state === 'cancelled' ? at : null }
  const times = { queued_at: at, visible_at: at, ...ends }
  await db
    .insertInto('notification')
    .values({ id, state, task_id: randomUUID(), recipients: 1, ...texts, ...times })
    .execute()
  const chunk = { notification_id: id, number: 1, after_account: person.id, through_account: person.id }
  await db
    .insertInto('notification_chunk')
    .values({ ...chunk, settled_through: person.id, sent: counted })
    .execute()
  if (delivery !== undefined) {
    const row = { notification_id: id, device_id: person.deviceId, state: delivery.state, attempts: 1 }
    const maybe = { maybe_duplicate: delivery.maybeDuplicate ?? false }
    await db
      .insertInto('delivery')
      .values({ ...row, ...maybe, first_tried_at: at, updated_at: at })
      .execute()
  }
  const push = pushKey(id, person.target)
  const receipts = (given.receipts ?? []).map((receipt) => ({ ...SENT, ...receipt }))
  const evidence: Evidence = {
    accepted: given.isNotAccepted === true ? [] : [{ id, people: [person], ...given.accepted }],
    refused: [],
    people,
    receipts: new Map(receipts.length === 0 ? [] : [[push, receipts]]),
    underWay: new Set(given.isUnderWay === true ? [push] : []),
    brokenAtMs: given.brokenAtMs === undefined ? [] : [given.brokenAtMs],
  }
  const { accepted: _accepted, promised: _promised, sent: _sent, ...rest } = await reckon(db, evidence)
  return { ...rest, push, id }
}

const again = (outcome: string, waitedMs: number, retryAfterMs = 0): Receipt[] => [
  { atMs: NOW_MS, outcome, retryAfterMs },
  { ...SENT, atMs: NOW_MS + waitedMs },
]
const marked = { state: 'sent', maybeDuplicate: true } as const

const GOOD: Readonly<Record<string, Case>> = {
  'what was sent once': FINE,
  'what was sent, and only counted': { counted: 1, receipts: [SENT] },
  'what was under way at a fault, and is sent again': {
    delivery: marked,
    receipts: again('sent', 5_000),
    isUnderWay: true,
  },
  'what FCM answered by half, and is sent again': { delivery: marked, receipts: again('half_answer', 12_000) },
  'what was not looked at, and is sent again at once': { ...FINE, receipts: again('refuse', 1) },
  'what was cancelled, and never sent': { state: 'cancelled', accepted: { cancelledAtMs: NOW_MS } },
}

for (const [name, given] of Object.entries(GOOD)) {
  test(`nothing is said of ${name}`, async () => {
    const { lost, unexplained, unexpected } = await told(given)
    assert.deepEqual({ lost, unexplained, unexpected }, { lost: [], unexplained: [], unexpected: [] })
  })
}

test('a push that was dropped is lost', async () => {
  const { lost, unexpected, push, id } = await told({ delivery: { state: 'sent' } })
  assert.deepEqual(lost, [push])
  assert.deepEqual(unexpected, [`1 counted as sent, FCM has 0: ${id}`])
})

test('a push that was repeated needs a mark, and a reason', async () => {
  const unmarked = await told({ delivery: { state: 'sent' }, receipts: again('sent', 5_000), isUnderWay: true })
  const unreasoned = await told({ delivery: marked, receipts: again('sent', 5_000) })
  const times = '2026-03-15T10:00:00.000Z sent, 2026-03-15T10:00:05.000Z sent'
  assert.deepEqual(unmarked.unexplained, [`${unmarked.push}: ${times}; sent, not noted; under way at a fault`])
  assert.deepEqual(unreasoned.unexplained, [`${unreasoned.push}: ${times}; sent, noted; not under way at a fault`])
  assert.deepEqual([unmarked.duplicated, unreasoned.duplicated], [1, 1])
})

const UNEXPECTED: Readonly<Record<string, [given: Case, said: (told: { push: string; id: string }) => string]>> = {
  'a push that nobody had asked for': [
    { ...FINE, isNotAccepted: true },
    ({ push }) => `pushed, but never accepted: ${push}`,
  ],
  'a notification that does not end': [{ ...FINE, state: 'sending' }, ({ id }) => `sending in the end: ${id}`],
  'a retry before the least wait': [
    { ...FINE, receipts: again('UNAVAILABLE', 9_999) },
    ({ push }) => `again 9999 ms after UNAVAILABLE: ${push}`,
  ],
  'a retry before Retry-After': [
    { ...FINE, receipts: again('INTERNAL', 29_000, 30_000) },
    ({ push }) => `again 29000 ms after INTERNAL: ${push}`,
  ],
  'a retry over quota before a minute': [
    { ...FINE, receipts: again('QUOTA_EXCEEDED', 59_000) },
    ({ push }) => `again 59000 ms after QUOTA_EXCEEDED: ${push}`,
  ],
  'a push before its time': [
    { ...FINE, accepted: { sendAtMs: NOW_MS + 5 } },
    ({ push }) => `5 ms before its send_at: ${push}`,
  ],
  'a push after a cancel': [
    { ...FINE, state: 'cancelled', accepted: { cancelledAtMs: NOW_MS - 2_001 } },
    ({ push }) => `2001 ms after its cancel: ${push}`,
  ],
  'a count that is too high': [{ ...FINE, counted: 1 }, ({ id }) => `2 counted as sent, FCM has 1: ${id}`],
  'a count that is too low': [{ receipts: [SENT] }, ({ id }) => `0 counted as sent, FCM has 1: ${id}`],
}

for (const [name, [given, said]] of Object.entries(UNEXPECTED)) {
  test(`${name} is told`, async () => {
    const found = await told(given)
    assert.deepEqual(found.unexpected, [said(found)])
  })
}

test('a target that FCM called dead and that is still there is told, unless somebody died with the news', async () => {
  const dead = { delivery: { state: 'dead' }, receipts: [{ outcome: 'UNREGISTERED' }] } as const
  const found = await told(dead)
  assert.deepEqual(found.unexpected, [`a dead target is still there: ${found.push.split(' ')[1]}`])
  assert.deepEqual((await told({ ...dead, brokenAtMs: NOW_MS + 1_000 })).unexpected, [])
})
