import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { type Database, openDatabase } from '#src/database/database.ts'
import { createLogger } from '#src/core/logger.ts'
import type { ReceivedMessage } from '#src/simulators/fcm/received.ts'
import { testDatabase } from '#test/support/database.ts'
import type { Accepted } from './load.ts'
import { type Person, somePeople } from './people.ts'
import { reckon } from './reckoning.ts'

/** The crash runs say that nothing was lost: here is what they say when something was. */

test('what was lost, repeated without a reason, never accepted, or not ended is told', async () => {
  const fresh = await testDatabase()
  const database = openDatabase({ url: fresh.url, log: createLogger('fatal'), maxConnections: 2 })
  try {
    const [fine, lost, repeated, unknown] = await fourPeople(database)
    const accepted: Accepted = { id: randomUUID(), people: [fine, lost, repeated, unknown] }
    await store(database, accepted.id, 'done')
    await delivered(database, accepted.id, fine, { state: 'sent' })
    await delivered(database, accepted.id, lost, { state: 'sent' })
    await delivered(database, accepted.id, repeated, { state: 'sent' })
    await delivered(database, accepted.id, unknown, { state: 'sent', maybeDuplicate: true })
    const others = [randomUUID(), randomUUID()] as const
    await store(database, others[0], 'sending')
    const received = [fine, repeated, repeated, unknown, unknown].map((person) => aPush(accepted.id, person))
    const report = await reckon(database.db, { accepted: [accepted], refused: ['503 away'] }, [
      ...received,
      aPush(others[1], fine),
      { ...aPush(accepted.id, lost), outcome: 'UNAVAILABLE' },
    ])
    assert.deepEqual(report, {
      accepted: 1,
      promised: 4,
      sent: 4,
      lost: [`${accepted.id} ${lost.target}`],
      duplicated: 2,
      unexplained: [`${accepted.id} ${repeated.target}`],
      unexpected: [
        '503 away',
        `pushed, but never accepted: ${others[1]} ${fine.target}`,
        `sending in the end: ${others[0]}`,
      ],
    })
  } finally {
    await database.close()
    await fresh.close()
  }
})

async function fourPeople({ db }: Database): Promise<[Person, Person, Person, Person]> {
  const [first, second, third, fourth] = await somePeople(db, 4)
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined)
  return [first, second, third, fourth]
}

async function store({ db }: Database, id: string, state: 'sending' | 'done'): Promise<void> {
  const texts = { type: 'test', title: 't', body: 'b', data: '{}', audience: '{}', priority: 'normal' } as const
  const times = { queued_at: new Date(), visible_at: new Date(), done_at: state === 'done' ? new Date() : null }
  const row = { id, state, task_id: randomUUID(), recipients: 0, ...texts, ...times }
  await db.insertInto('notification').values(row).execute()
}

async function delivered(
  { db }: Database,
  notificationId: string,
  { deviceId }: Person,
  { state, maybeDuplicate = false }: { state: 'sent'; maybeDuplicate?: boolean },
): Promise<void> {
  const times = { first_tried_at: new Date(), updated_at: new Date() }
  const row = { notification_id: notificationId, device_id: deviceId, state, attempts: 1, ...times }
  await db
    .insertInto('delivery')
    .values({ ...row, maybe_duplicate: maybeDuplicate })
    .execute()
}

let lastSeq = 0
function aPush(notificationId: string, { target }: Person): ReceivedMessage {
  lastSeq += 1
  const body = JSON.stringify({ message: { data: { notification_id: notificationId } } })
  const id = String(lastSeq)
  return { seq: lastSeq, id, targetKind: 'token', target, outcome: 'sent', receivedAtMs: 0, protocol: 'h2', body }
}
