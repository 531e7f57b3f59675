import { sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { ALL_DEVICES, type DeviceRange, nextDevices } from './claims.ts'
import type { Message } from './push-message.ts'
import { chunkTask, followUpTask } from './queue-tasks.ts'

export interface Sending extends Message {
  readonly isFannedOut: boolean
}

/** Marks the notification as being sent and reads it; undefined when there is nothing left to send. */
export async function beginSending(db: Db, notificationId: string): Promise<Sending | undefined> {
  const row = await db
    .updateTable('notification')
    .set({ state: 'sending' })
    .where('id', '=', notificationId)
    .where('state', 'in', ['queued', 'sending'])
    .returning(['id', 'type', 'title', 'body', 'data', 'priority', 'fanned_out_at'])
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { fanned_out_at: fannedOutAt, ...message } = row
  return { ...message, isFannedOut: fannedOutAt !== null }
}

/**
 * Cuts an audience of more devices than one chunk into chunks, queued as tasks of their own in the same transaction.
 * Pages by key, so that memory does not grow with the audience. False: it fits one chunk, and nothing was stored.
 */
export async function fanOut(db: Db, message: Message, chunkSize: number, now: Date): Promise<boolean> {
  const chunks: DeviceRange[] = []
  let [after, devices] = [ALL_DEVICES.after, 0]
  for (;;) {
    const ids = await nextDevices(db, message.id, { ...ALL_DEVICES, after }, chunkSize)
    const last = ids.at(-1)
    if (last === undefined) break
    chunks.push({ after, through: last })
    devices += ids.length
    after = last
    if (ids.length < chunkSize) break
  }
  if (chunks.length <= 1) return false
  await db.transaction().execute((tx) => storeChunks(tx, message, chunks, devices, now))
  return true
}

async function storeChunks(
  tx: Tx,
  message: Message,
  chunks: readonly DeviceRange[],
  devices: number,
  now: Date,
): Promise<void> {
  const first = await tx
    .updateTable('notification')
    .set({ fanned_out_at: now, devices })
    .where('id', '=', message.id)
    .where('fanned_out_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  // Another delivery of the same task was faster.
  if (first === undefined) return
  await tx
    .insertInto('notification_chunk')
    .values(
      chunks.map(({ after, through }, index) => ({
        notification_id: message.id,
        number: index + 1,
        after_device: after,
        through_device: through,
      })),
    )
    .execute()
  await addToOutbox(
    tx,
    chunks.map((_chunk, index) => chunkTask(message, index + 1, now)),
  )
}

/** The devices of a chunk; undefined when it was done before. */
export async function openChunk(db: Db, notificationId: string, number: number): Promise<DeviceRange | undefined> {
  const row = await db
    .selectFrom('notification_chunk')
    .select(['after_device', 'through_device'])
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .where('done_at', 'is', null)
    .executeTakeFirst()
  return row === undefined ? undefined : { after: row.after_device, through: row.through_device }
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
      state = 'done', done_at = ${now}, devices = (select count(*) from delivery d where d.notification_id = n.id)
    where n.id = ${message.id} and n.state = 'sending' and n.fanned_out_at is not null
      and not exists (select from notification_chunk c where c.notification_id = n.id and c.done_at is null)
      and not exists (
        select from delivery d where d.notification_id = n.id and d.state in ('pending', 'retrying')
      )`.execute(db)
}
