import type { Selectable } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import type { NotificationTable } from '#src/database/tables/notifications.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import type { Message } from './push-message.ts'
import { startTask } from './queue-tasks.ts'

/** A notification on its way: what its pushes say, and whom they are for. */
export interface Sending extends Message {
  /** Its recipients are not listed: they are everyone, or the customers of `agencyId`. */
  readonly isBroadcast: boolean
  readonly agencyId: string | null
  readonly recipients: number
  /** The recipients up to this account are cut into chunks; null before the first. */
  readonly fannedOutThrough: string | null
  readonly isFannedOut: boolean
  readonly visibleAt: Date
  readonly hasSent: boolean
}

/** Reads a notification that is being sent; undefined when there is nothing left to send. */
export async function readSending(db: Db, notificationId: string): Promise<Sending | undefined> {
  const row = await db
    .selectFrom('notification')
    .select(COLUMNS)
    .where('id', '=', notificationId)
    .where('state', '=', 'sending')
    .executeTakeFirst()
  return row === undefined ? undefined : toSending(row)
}

/** By so much may the clocks of two machines differ: whoever queued the start has seen its time come. */
const CLOCKS_DIFFER_MS = 1_000

/**
 * As `readSending`, after marking it as being sent. One whose time has not come is left as it is, and its start is queued
 * again for it.
 */
export async function beginSending(db: Db, notificationId: string, now: Date): Promise<Sending | undefined> {
  const latest = new Date(now.getTime() + CLOCKS_DIFFER_MS)
  const row = await db
    .updateTable('notification')
    .set({ state: 'sending' })
    .where('id', '=', notificationId)
    .where('state', 'in', ['queued', 'sending'])
    .where('visible_at', '<=', latest)
    .returning(COLUMNS)
    .executeTakeFirst()
  if (row !== undefined) return toSending(row)
  await queueStartAgain(db, notificationId, latest)
  return undefined
}

async function queueStartAgain(db: Db, notificationId: string, latest: Date): Promise<void> {
  const early = await db
    .selectFrom('notification')
    .select(['id', 'priority', 'task_id', 'visible_at'])
    .where('id', '=', notificationId)
    .where('state', '=', 'queued')
    .where('visible_at', '>', latest)
    .executeTakeFirst()
  if (early !== undefined) await addToOutbox(db, [startTask(early, early.task_id, early.visible_at)])
}

/** False once it was cancelled. */
export async function isSending(db: Db, notificationId: string): Promise<boolean> {
  const row = await db.selectFrom('notification').select('state').where('id', '=', notificationId).executeTakeFirst()
  return row?.state === 'sending'
}

/** The first push that FCM took; later ones change nothing. */
export async function noteFirstSent(db: Db | Tx, notificationId: string, now: Date): Promise<void> {
  await db
    .updateTable('notification')
    .set({ first_sent_at: now })
    .where('id', '=', notificationId)
    .where('first_sent_at', 'is', null)
    .execute()
}

const COLUMNS = [
  'id',
  'type',
  'title',
  'body',
  'data',
  'priority',
  'is_broadcast',
  'agency_id',
  'recipients',
  'fanned_out_through',
  'fanned_out_at',
  'visible_at',
  'expires_at',
  'first_sent_at',
] as const

function toSending(row: Pick<Selectable<NotificationTable>, (typeof COLUMNS)[number]>): Sending {
  const { id, type, title, body, data, priority, recipients } = row
  return {
    id,
    type,
    title,
    body,
    data,
    priority,
    recipients,
    isBroadcast: row.is_broadcast,
    agencyId: row.agency_id,
    fannedOutThrough: row.fanned_out_through,
    isFannedOut: row.fanned_out_at !== null,
    visibleAt: row.visible_at,
    expiresAt: row.expires_at,
    hasSent: row.first_sent_at !== null,
  }
}
