import { sql } from 'kysely'
import { isUuid } from '#src/core/uuid.ts'
import type { Db } from '#src/database/database.ts'
import { decodeCursor, encodeCursor, isMoment } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
import { type InboxItem, type MessageRow, toItem } from './item.ts'
import { inOrder, type Place, unreadCount, visibleMessages } from './visible.ts'

export interface InboxPage {
  readonly unreadOnly: boolean
  readonly cursor: string | undefined
  readonly limit: number
}

export interface InboxAnswer {
  readonly items: InboxItem[]
  readonly unread: number
  readonly next_cursor: string | null
}

/** One page of a user's messages, the newest first. What arrives meanwhile does not move the pages that follow. */
export async function inboxOf(db: Db, accountId: string, now: Date, page: InboxPage): Promise<InboxAnswer> {
  const after = page.cursor === undefined ? undefined : placeOf(page.cursor)
  const [rows, unread] = await Promise.all([
    messagesOf(db, accountId, now, { ...page, after }),
    unreadOf(db, accountId, now),
  ])
  const items = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? items.at(-1) : undefined
  return {
    items: items.map(toItem),
    unread,
    next_cursor: last === undefined ? null : encodeCursor([last.visible_at.toISOString(), last.id]),
  }
}

interface Asked {
  readonly unreadOnly: boolean
  readonly after: Place | undefined
  readonly limit: number
}

/** One more than the page has: whether another follows. */
async function messagesOf(db: Db, accountId: string, now: Date, asked: Asked): Promise<MessageRow[]> {
  const order = 'newest first'
  const limit = asked.limit + 1
  const after = asked.after && { at: sql`${asked.after.at}::timestamptz`, id: sql`${asked.after.id}::uuid` }
  const visible = visibleMessages({
    account: sql`${accountId}::uuid`,
    now,
    unreadOnly: asked.unreadOnly,
    page: { order, limit, ...(after && { after }) },
  })
  const { rows } = await sql<MessageRow>`
    with page as materialized (
      select id, visible_at, read_at from (${visible}) seen ${inOrder({ order, limit }, sql`visible_at`, sql`id`)}
    )
    select n.id, n.type, n.title, n.body, n.data, n.priority, page.visible_at, page.read_at
    from page join notification n on n.id = page.id
    order by page.visible_at desc, page.id desc`.execute(db)
  return rows
}

async function unreadOf(db: Db, accountId: string, now: Date): Promise<number> {
  const { rows } = await sql<{ unread: number }>`
    select ${unreadCount(sql`${accountId}::uuid`, now)} as unread`.execute(db)
  return rows[0]?.unread ?? 0
}

function placeOf(cursor: string): Place {
  const [time = '', id = ''] = decodeCursor(cursor, 2)
  if (!isMoment(time) || !isUuid(id)) throw httpErrors.invalidCursor()
  return { at: new Date(time), id }
}
