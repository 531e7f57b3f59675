import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { MessageRow } from './item.ts'
import { inOrder, type Place, SHOWN, unreadCount, visibleMessages } from './visible.ts'

/** What the open streams of one process ask PostgreSQL, for many accounts in one statement. */

export interface AccountLook {
  readonly accountId: string
  /** Only what comes after it. */
  readonly after: Place
}

export interface Look {
  readonly unread: number
  /** The oldest first. */
  readonly messages: MessageRow[]
}

/**
 * For each account, as of one moment: what came after its place, at most `limit` messages, and how many are unread.
 * An account that does not exist is missing from the answer.
 */
export async function lookAt(
  db: Db,
  accounts: readonly AccountLook[],
  limit: number,
  now: Date,
): Promise<Map<string, Look>> {
  const order = 'oldest first'
  const account = sql`asked.account_id`
  const after = { at: sql`asked.after_at`, id: sql`asked.after_id` }
  const visible = visibleMessages({ account, now, unreadOnly: false, page: { order, limit, after } })
  const { rows } = await sql<LookRow>`
    with asked as materialized (
      select * from unnest(
        ${accounts.map(({ accountId }) => accountId)}::uuid[],
        ${accounts.map(({ after: place }) => place.at)}::timestamptz[],
        ${accounts.map(({ after: place }) => place.id)}::uuid[]
      ) as asked (account_id, after_at, after_id)
    ), counted as materialized (
      select asked.*, ${unreadCount(account, now)} as unread from asked
    ), found as materialized (
      select asked.account_id, asked.unread, seen.id, seen.visible_at, seen.read_at
      from counted asked
      left join lateral (
        select id, visible_at, read_at from (${visible}) page ${inOrder({ order, limit }, sql`visible_at`, sql`id`)}
      ) seen on true
    )
    select found.account_id, found.unread, found.id, found.visible_at, found.read_at,
      n.type, n.title, n.body, n.data, n.priority
    from found left join notification n on n.id = found.id
    order by found.account_id, found.visible_at, found.id`.execute(db)
  const looks = new Map<string, Look>()
  for (const { account_id: accountId, unread, id, ...content } of rows) {
    const look = looks.get(accountId) ?? { unread, messages: [] }
    looks.set(accountId, look)
    if (id !== null) look.messages.push({ id, ...content })
  }
  return looks
}

type LookRow = Omit<MessageRow, 'id'> & {
  readonly account_id: string
  readonly unread: number
  readonly id: string | null
}

/** A flood is looked at account by account instead. */
export const MOST_BROADCASTS = 1_000

/** Broadcasts that became visible after `since`, in the order in which they did. */
export async function broadcastsSince(db: Db, since: Date, now: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('notification')
    .select('id')
    .where('is_broadcast', '=', true)
    .where('visible_at', '>', since)
    .where('visible_at', '<=', now)
    .orderBy('visible_at')
    .orderBy('id')
    .limit(MOST_BROADCASTS)
    .execute()
  return rows.map(({ id }) => id)
}

/** What became visible to these accounts after `since` and is addressed to them by name. */
export async function personalSince(
  db: Db,
  accountIds: readonly string[],
  since: Date,
  now: Date,
): Promise<PersonalNews[]> {
  const { rows } = await sql<{ account_id: string; notification_id: string; visible_at: Date }>`
    select r.account_id, r.notification_id, r.visible_at
    from unnest(${accountIds}::uuid[]) as asked (account_id)
    cross join lateral (
      select account_id, notification_id, visible_at from notification_recipient
      where account_id = asked.account_id and visible_at > ${since} and visible_at <= ${now}
      order by visible_at desc, notification_id desc limit ${MOST_PERSONAL}
    ) r`.execute(db)
  return rows.map((row) => ({
    accountId: row.account_id,
    id: row.notification_id,
    visibleAt: row.visible_at.getTime(),
  }))
}

export interface PersonalNews {
  readonly accountId: string
  readonly id: string
  readonly visibleAt: number
}

/** Of one account: any that was not shown makes for a look at all. */
const MOST_PERSONAL = 50

/** A message that is shown to somebody at `now`; undefined when it is not there, not yet, or was withdrawn. */
export async function shownMessage(db: Db, id: string, now: Date): Promise<ShownMessage | undefined> {
  const { rows } = await sql<ShownMessage>`
    select n.id, n.type, n.title, n.body, n.data, n.priority, n.visible_at, null::timestamptz as read_at,
      n.is_broadcast, n.agency_id
    from notification n where n.id = ${id} and n.visible_at <= ${now} and ${SHOWN}`.execute(db)
  return rows[0]
}

export interface ShownMessage extends MessageRow {
  readonly is_broadcast: boolean
  readonly agency_id: string | null
}

/** Whom these notifications are for, of the accounts that are listed by name. */
export async function recipientsOf(db: Db, ids: readonly string[]): Promise<Recipient[]> {
  const { rows } = await sql<Recipient>`
    select account_id, visible_at from notification_recipient where notification_id = any(${ids}::uuid[])`.execute(db)
  return rows
}

interface Recipient {
  readonly account_id: string
  readonly visible_at: Date
}

export interface Meant {
  readonly account_id: string
  readonly read_at: Date | null
}

/** Which of these accounts the message is for. */
export async function meantBy(db: Db, message: ShownMessage, accountIds: readonly string[]): Promise<Meant[]> {
  const asked = sql`unnest(${accountIds}::uuid[]) as asked (account_id)`
  if (!message.is_broadcast) {
    const { rows } = await sql<Meant>`
      select r.account_id, r.read_at from ${asked}
      join notification_recipient r on r.notification_id = ${message.id} and r.account_id = asked.account_id`.execute(
      db,
    )
    return rows
  }
  const isForAgency = sql`and exists (
    select from meter_link l join meter m on m.id = l.meter_id
    where l.account_id = a.id and l.state = 'accepted' and m.agency_id = ${message.agency_id}
  )`
  const { rows } = await sql<Meant>`
    select a.id as account_id, x.read_at from ${asked}
    join account a on a.id = asked.account_id
    left join notification_receipt x on x.account_id = a.id and x.notification_id = ${message.id}
    where a.role = 'customer' and a.disabled_at is null and a.created_at <= ${message.visible_at}
      ${message.agency_id === null ? sql`` : isForAgency}`.execute(db)
  return rows
}
