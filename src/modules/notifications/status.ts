import type { Db } from '#src/database/database.ts'

/** The state and the counts of one notification. */
export async function notificationStatus(db: Db, id: string) {
  const notification = await db
    .selectFrom('notification')
    .select(['id', 'state', 'recipients', 'queued_at', 'first_sent_at', 'done_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (notification === undefined) return undefined
  const rows = await db
    .selectFrom('delivery')
    .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
    .where('notification_id', '=', id)
    .groupBy('state')
    .execute()
  const count = (state: string): number => rows.find((row) => row.state === state)?.count ?? 0
  const touched = rows.reduce((sum, row) => sum + row.count, 0)
  return {
    id: notification.id,
    state: notification.state,
    counts: {
      recipients: notification.recipients,
      devices: touched,
      sent: count('sent'),
      failed: count('failed'),
      dead_tokens: count('dead'),
      retrying: count('retrying'),
    },
    queued_at: notification.queued_at.toISOString(),
    first_sent_at: notification.first_sent_at?.toISOString() ?? null,
    done_at: notification.done_at?.toISOString() ?? null,
  }
}

export async function isSender(db: Db, notificationId: string, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('notification')
    .select('id')
    .where('id', '=', notificationId)
    .where('sender_id', '=', accountId)
    .executeTakeFirst()
  return row !== undefined
}

export async function notificationExists(db: Db, notificationId: string): Promise<boolean> {
  const row = await db.selectFrom('notification').select('id').where('id', '=', notificationId).executeTakeFirst()
  return row !== undefined
}
