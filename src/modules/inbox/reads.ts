import { sql } from 'kysely'
import { isUuid } from '#src/core/uuid.ts'
import type { Db } from '#src/database/database.ts'
import { visibleMessages } from './visible.ts'

/** Whether the message is in the account's inbox, listed or as a broadcast. */
export async function isInInbox(db: Db, notificationId: string, accountId: string, now: Date): Promise<boolean> {
  if (!isUuid(notificationId)) return false
  const { rows } = await sql`
    select from notification m
    where m.id = ${notificationId} and exists (
      select from (${visibleMessages({ account: sql`${accountId}::uuid`, now, unreadOnly: false })}) seen
      where seen.id = m.id and seen.visible_at = m.visible_at
    )`.execute(db)
  return rows.length > 0
}

/**
 * Read by this user, and by this user alone. The first reading is the one that counts; false when there was one. Who
 * calls has seen that the message is in the account's inbox.
 */
export async function markRead(db: Db, notificationId: string, accountId: string, now: Date): Promise<boolean> {
  const { rows } = await sql`
    with personal as (
      update notification_recipient set read_at = ${now}
      where notification_id = ${notificationId} and account_id = ${accountId} and read_at is null
      returning account_id
    ), broadcast as (
      insert into notification_receipt (account_id, notification_id, read_at)
      select ${accountId}::uuid, id, ${now}::timestamptz from notification where id = ${notificationId} and is_broadcast
      on conflict do nothing
      returning account_id
    )
    select account_id from personal union all select account_id from broadcast`.execute(db)
  return rows.length > 0
}

/** Short statements, however long nobody has looked. */
const MARKED_AT_ONCE = 500

/** Marks what is unread and not newer than `until`. Returns how many messages that was. */
export async function markAllRead(db: Db, accountId: string, until: Date, now: Date): Promise<number> {
  let marked = 0
  for (;;) {
    const [found, changed] = await markSome(db, accountId, until < now ? until : now, now)
    marked += changed
    if (found < MARKED_AT_ONCE) return marked
  }
}

async function markSome(db: Db, accountId: string, until: Date, now: Date): Promise<[found: number, changed: number]> {
  const visible = visibleMessages({
    account: sql`${accountId}::uuid`,
    now: until,
    unreadOnly: true,
    page: { order: 'newest first', limit: MARKED_AT_ONCE },
  })
  const { rows } = await sql<{ found: number; changed: number }>`
    with unread as materialized (
      select id, is_broadcast from (${visible}) seen limit ${MARKED_AT_ONCE}
    ), personal as (
      update notification_recipient r set read_at = ${now} from unread
      where not unread.is_broadcast and r.notification_id = unread.id and r.account_id = ${accountId}
        and r.read_at is null
      returning 1
    ), broadcast as (
      insert into notification_receipt (account_id, notification_id, read_at)
      select ${accountId}::uuid, id, ${now}::timestamptz from unread where is_broadcast
      on conflict do nothing
      returning 1
    )
    select (select count(*) from unread) as found,
      (select count(*) from personal) + (select count(*) from broadcast) as changed`.execute(db)
  const { found = 0, changed = 0 } = rows[0] ?? {}
  return [found, changed]
}
