import { type Selectable, sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import type { NotificationTable } from '#src/database/tables/notifications.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { type AccountRange, ALL_ACCOUNTS } from './claims.ts'
import type { Message } from './push-message.ts'
import { chunkTask, followUpTask } from './queue-tasks.ts'

export interface Sending extends Message {
  readonly recipients: number
  readonly isFannedOut: boolean
}

/** Reads a notification that is being sent; undefined when there is nothing left to send. */
export async function readSending(db: Db, notificationId: string): Promise<Sending | undefined> {
  const row = await db
    .selectFrom('notification')
    .select(SENDING_COLUMNS)
    .where('id', '=', notificationId)
    .where('state', '=', 'sending')
    .executeTakeFirst()
  return row === undefined ? undefined : toSending(row)
}

/** As `readSending`, after marking it as being sent. */
export async function beginSending(db: Db, notificationId: string): Promise<Sending | undefined> {
  const row = await db
    .updateTable('notification')
    .set({ state: 'sending' })
    .where('id', '=', notificationId)
    .where('state', 'in', ['queued', 'sending'])
    .returning(SENDING_COLUMNS)
    .executeTakeFirst()
  return row === undefined ? undefined : toSending(row)
}

const SENDING_COLUMNS = ['id', 'type', 'title', 'body', 'data', 'priority', 'recipients', 'fanned_out_at'] as const

function toSending(row: Pick<Selectable<NotificationTable>, (typeof SENDING_COLUMNS)[number]>): Sending {
  const { fanned_out_at: fannedOutAt, ...message } = row
  return { ...message, isFannedOut: fannedOutAt !== null }
}

/**
 * Cuts an audience into chunks of recipients, queued as tasks of their own in the same transaction. Pages by key, so
 * that neither memory nor the time of a statement grows with the audience.
 */
export async function fanOut(db: Db, message: Message, chunkSize: number, now: Date): Promise<void> {
  const chunks: AccountRange[] = []
  let after = ALL_ACCOUNTS.after
  for (;;) {
    const page = await recipientPage(db, message.id, after, chunkSize)
    if (page.last === null) break
    chunks.push({ after, through: page.last })
    after = page.last
    if (page.recipients < chunkSize) break
  }
  await db.transaction().execute((tx) => storeChunks(tx, message, chunks, now))
}

interface RecipientPage {
  readonly last: string | null
  readonly recipients: number
  readonly devices: number
}

async function recipientPage(db: Db, notificationId: string, after: string, size: number): Promise<RecipientPage> {
  const { rows } = await sql<RecipientPage>`
    with page as materialized (
      select account_id from notification_recipient
      where notification_id = ${notificationId} and account_id > ${after}
      order by account_id limit ${size}
    )
    select
      (select account_id from page order by account_id desc limit 1) as last,
      (select count(*) from page) as recipients,
      (select count(*) from page join device d using (account_id) where d.target is not null) as devices`.execute(db)
  return rows[0] ?? { last: null, recipients: 0, devices: 0 }
}

async function storeChunks(tx: Tx, message: Message, chunks: readonly AccountRange[], now: Date): Promise<void> {
  const first = await tx
    .updateTable('notification')
    .set({ fanned_out_at: now })
    .where('id', '=', message.id)
    .where('fanned_out_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  // Another delivery of the same task was faster.
  if (first === undefined || chunks.length === 0) return
  await tx
    .insertInto('notification_chunk')
    .values(
      chunks.map(({ after, through }, index) => ({
        notification_id: message.id,
        number: index + 1,
        after_account: after,
        through_account: through,
        settled_through: after,
      })),
    )
    .execute()
  await addToOutbox(
    tx,
    chunks.map((_chunk, index) => chunkTask(message, index + 1, now)),
  )
}

/** The recipients of a chunk; undefined when it was done before. */
export async function openChunk(db: Db, notificationId: string, number: number): Promise<AccountRange | undefined> {
  const row = await db
    .selectFrom('notification_chunk')
    .select(['after_account', 'through_account'])
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .where('done_at', 'is', null)
    .executeTakeFirst()
  return row === undefined ? undefined : { after: row.after_account, through: row.through_account }
}

/** Every device of the chunk was tried once; what has no outcome yet is left to the follow-up. */
export async function closeChunk(db: Db, notificationId: string, number: number, now: Date): Promise<void> {
  await db
    .updateTable('notification_chunk')
    .set({ done_at: now })
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .execute()
}

/** As `closeChunk`, for a notification that fitted one chunk. */
export async function closeFanOut(db: Db, notificationId: string, now: Date): Promise<void> {
  await db
    .updateTable('notification')
    .set({ fanned_out_at: now })
    .where('id', '=', notificationId)
    .where('fanned_out_at', 'is', null)
    .execute()
}

/**
 * Ends the notification when every device has its outcome, else queues the follow-up for the first that is due.
 * Runs after the caller's own progress is committed: of two chunks that end together, the later sees both.
 */
export async function settle(db: Db, message: Message, now: Date): Promise<void> {
  const { next } = await db
    .selectFrom('delivery')
    .select((eb) => eb.fn.min('next_attempt_at').as('next'))
    .where('notification_id', '=', message.id)
    .where('state', 'in', ['pending', 'retrying'])
    .executeTakeFirstOrThrow()
  if (next !== null) return addToOutbox(db, [followUpTask(message, next)])
  await sql`
    update notification n set
      state = 'done', done_at = ${now},
      first_sent_at = coalesce(first_sent_at, (
        select min(updated_at) from delivery d where d.notification_id = n.id and d.state = 'sent'
      ))
    where n.id = ${message.id} and n.state = 'sending' and n.fanned_out_at is not null
      and not exists (select from notification_chunk c where c.notification_id = n.id and c.done_at is null)
      and not exists (
        select from delivery d where d.notification_id = n.id and d.state in ('pending', 'retrying')
      )`.execute(db)
}
