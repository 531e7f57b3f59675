import { sql } from 'kysely'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import type { Priority } from '../priorities.ts'
import { chunkTask, fanOutTask, FOLLOW_UP_KEY, followUpTask, startTask } from './queue-tasks.ts'

export interface RequeueOptions {
  /**
   * Only what nothing has happened to for so long. 0 when the broker was in memory and has started empty; with one
   * that keeps its messages, longer than any queue takes to come to its turn. @default 0
   */
  readonly idleMs?: number
  /** No other process sends: who was sending is dead, so its devices need not wait for the end of their lease. */
  readonly isAlone: boolean
}

const PAGE = 200

/**
 * Queues again the work of every notification that has not ended, and returns how many those are. Safe at any time:
 * what waits in the outbox is not doubled, and tasks pass over what has an outcome.
 */
export async function requeueUnfinished(db: Db, clock: Clock, options: RequeueOptions): Promise<number> {
  const now = new Date(clock())
  const idleSince = new Date(clock() - (options.idleMs ?? 0))
  if (options.isAlone) {
    await sql`update delivery set next_attempt_at = ${now}
      where state = 'pending' and next_attempt_at > ${now}`.execute(db)
    await sql`update notification_chunk set leased_until = ${now}
      where done_at is null and leased_until > ${now}`.execute(db)
  }
  let [requeued, after] = [0, '00000000-0000-0000-0000-000000000000']
  for (;;) {
    const page = await unfinished(db, idleSince, after)
    for (const notification of page) await requeue(db, notification, now)
    requeued += page.length
    after = page.at(-1)?.id ?? after
    if (page.length < PAGE) return requeued
  }
}

interface Unfinished {
  readonly id: string
  readonly priority: Priority
  readonly task_id: string
  readonly fanned_out_through: string | null
  readonly fanned_out_at: Date | null
}

function unfinished(db: Db, idleSince: Date, after: string): Promise<Unfinished[]> {
  return db
    .selectFrom('notification as n')
    .select(['n.id', 'n.priority', 'n.task_id', 'n.fanned_out_through', 'n.fanned_out_at'])
    .where('n.state', 'in', ['queued', 'sending'])
    .where('n.visible_at', '<=', idleSince)
    .where(
      sql<boolean>`not exists (select from delivery d where d.notification_id = n.id and d.updated_at > ${idleSince})
        and not exists (
          select from notification_chunk c
          where c.notification_id = n.id and (c.done_at > ${idleSince} or c.leased_until > ${idleSince})
        )
        and not (
          -- All that is left is held until a time for which its task waits already.
          n.fanned_out_at is not null
          and exists (select from outbox o where o.key = ${FOLLOW_UP_KEY} || n.id::text)
          and not exists (select from notification_chunk c where c.notification_id = n.id and c.done_at is null)
        )`,
    )
    .where('n.id', '>', after)
    .orderBy('n.id')
    .limit(PAGE)
    .execute()
}

async function requeue(db: Db, notification: Unfinished, now: Date): Promise<void> {
  const { id, fanned_out_through: through, fanned_out_at: fannedOutAt } = notification
  if (fannedOutAt === null && through === null) {
    return addToOutbox(db, [startTask(notification, notification.task_id, now)])
  }
  if (fannedOutAt === null) await addToOutbox(db, [fanOutTask(notification, now)])
  for (let after = 0; ;) {
    const chunks = await openChunks(db, id, after)
    await addToOutbox(
      db,
      chunks.map((number) => chunkTask(notification, number, now)),
    )
    if (chunks.length < PAGE) break
    after = chunks.at(-1) ?? after
  }
  await addToOutbox(db, [followUpTask(notification, now)])
}

async function openChunks(db: Db, notificationId: string, after: number): Promise<number[]> {
  const rows = await db
    .selectFrom('notification_chunk')
    .select('number')
    .where('notification_id', '=', notificationId)
    .where('number', '>', after)
    .where('done_at', 'is', null)
    .orderBy('number')
    .limit(PAGE)
    .execute()
  return rows.map((row) => row.number)
}
