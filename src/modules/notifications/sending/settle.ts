import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { followUpTask } from './queue-tasks.ts'
import type { Sending } from './sending.ts'

/**
 * Ends the notification when every chunk is done and every device has its outcome. Runs after the caller's own progress
 * is committed: of two chunks that end together, the later sees both.
 */
export async function settle(db: Db, notificationId: string, now: Date): Promise<void> {
  await sql`
    update notification n set
      state = 'done', done_at = ${now},
      -- Whoever was to note it may have died.
      first_sent_at = coalesce(
        n.first_sent_at,
        (select min(d.updated_at) from delivery d where d.notification_id = n.id and d.state = 'sent'),
        (select min(c.done_at) from notification_chunk c where c.notification_id = n.id and c.sent > 0)
      )
    where n.id = ${notificationId} and n.state = 'sending' and n.fanned_out_at is not null
      and not exists (select from notification_chunk c where c.notification_id = n.id and c.done_at is null)
      and not exists (
        select from delivery d where d.notification_id = n.id and d.state in ('pending', 'retrying', 'held')
      )`.execute(db)
}

/** Queues the next attempt for the first device that will be due; nothing when none waits. */
export async function queueFollowUp(db: Db, sending: Sending): Promise<void> {
  const { next } = await db
    .selectFrom('delivery')
    .select((eb) => eb.fn.min('next_attempt_at').as('next'))
    .where('notification_id', '=', sending.id)
    .where('state', 'in', ['pending', 'retrying', 'held'])
    .executeTakeFirstOrThrow()
  if (next !== null) await addToOutbox(db, [followUpTask(sending, next)])
}
