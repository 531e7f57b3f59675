import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'
import { recordAudit } from '#src/modules/audit/audit.ts'
import { notificationErrors } from './errors.ts'

/**
 * Stops a notification: what is not under way is not sent any more. Workers look after every page of pushes. Cancelling
 * again does no harm. Throws when it was sent to everybody before.
 */
export async function cancelNotification(db: Db, actor: Actor, id: string, now: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const cancelled = await tx
      .updateTable('notification')
      .set({ state: 'cancelled', cancelled_at: now, cancelled_by: actor.accountId })
      .where('id', '=', id)
      .where('state', 'in', ['queued', 'sending'])
      .returning('id')
      .executeTakeFirst()
    if (cancelled !== undefined) {
      return recordAudit(tx, actor, { action: 'notification.cancel', subjectId: id, details: {} })
    }
    const row = await tx.selectFrom('notification').select('state').where('id', '=', id).executeTakeFirstOrThrow()
    if (row.state === 'done') throw notificationErrors.alreadyDone()
  })
}
