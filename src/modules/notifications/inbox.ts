import { isUuid } from '#src/core/uuid.ts'
import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { decodeCursor, encodeCursor } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'

export interface InboxPage {
  readonly unreadOnly: boolean
  readonly cursor: string | undefined
  readonly limit: number
}

/** One page of a user's messages, the newest first. What arrives meanwhile does not move the pages that follow. */
export async function inboxOf(db: Db, accountId: string, page: InboxPage) {
  const place = page.cursor === undefined ? undefined : placeOf(page.cursor)
  let query = db
    .selectFrom('notification_recipient as r')
    .innerJoin('notification as n', 'n.id', 'r.notification_id')
    .select(['n.id', 'n.type', 'n.title', 'n.body', 'n.data', 'n.priority', 'r.visible_at', 'r.read_at'])
    .where('r.account_id', '=', accountId)
    .orderBy('r.visible_at', 'desc')
    .orderBy('r.notification_id', 'desc')
    .limit(page.limit + 1)
  if (page.unreadOnly) query = query.where('r.read_at', 'is', null)
  if (place !== undefined) {
    query = query.where(
      sql<boolean>`(r.visible_at, r.notification_id) < (${place.queuedAt}::timestamptz, ${place.id}::uuid)`,
    )
  }
  const [rows, unread] = await Promise.all([query.execute(), unreadCount(db, accountId)])
  const items = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? items.at(-1) : undefined
  return {
    items: items.map(({ visible_at: queuedAt, read_at: readAt, ...item }) => ({
      ...item,
      created_at: queuedAt.toISOString(),
      read_at: readAt?.toISOString() ?? null,
    })),
    unread,
    next_cursor: last === undefined ? null : encodeCursor([last.visible_at.toISOString(), last.id]),
  }
}

async function unreadCount(db: Db, accountId: string): Promise<number> {
  const { count } = await db
    .selectFrom('notification_recipient')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('read_at', 'is', null)
    .executeTakeFirstOrThrow()
  return count
}

function placeOf(cursor: string): { queuedAt: Date; id: string } {
  const [time = '', id = ''] = decodeCursor(cursor, 2)
  const queuedAt = new Date(time)
  if (Number.isNaN(queuedAt.getTime()) || queuedAt.toISOString() !== time || !isUuid(id)) {
    throw httpErrors.invalidCursor()
  }
  return { queuedAt, id }
}

export async function isRecipient(db: Db, notificationId: string, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('notification_recipient')
    .select('account_id')
    .where('notification_id', '=', notificationId)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row !== undefined
}

/** Read by this user, and by this user alone. The first reading is the one that counts. */
export async function markRead(db: Db, notificationId: string, accountId: string, now: Date): Promise<void> {
  await db
    .updateTable('notification_recipient')
    .set({ read_at: now })
    .where('notification_id', '=', notificationId)
    .where('account_id', '=', accountId)
    .where('read_at', 'is', null)
    .execute()
}
