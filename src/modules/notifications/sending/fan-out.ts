import { sql } from 'kysely'
import { moment } from '#src/core/moment.ts'
import type { Db, Tx } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { type AccountRange, ALL_ACCOUNTS, BEFORE_ALL_ACCOUNTS } from './account-range.ts'
import { chunkTask, fanOutTask } from './queue-tasks.ts'
import { countRecipients, recipientsIn } from './recipients.ts'
import type { Sending } from './sending.ts'

/** A chunk as the fan-out cuts it. */
interface Cut extends AccountRange {
  readonly recipients: number
}

/** Chunks of one step. Few enough that a step is a matter of some hundred milliseconds, whatever the audience. */
const CHUNKS_PER_STEP = 100
/** Accounts that one statement looks through: of a small agency few of them are meant. */
const ACCOUNTS_PER_STEP = 20_000

const stepped = moment('fan-out.stepped')

/**
 * Cuts the next part of an audience into chunks, each a task, and queues the step that follows. It all happens in one
 * transaction, so that it goes on where a killed worker was. The next step is queued before the chunks: by the time that
 * the chunks before it are under way, its own are ready, and never more than two steps of them wait in the queue.
 */
export async function fanOutStep(db: Db, sending: Sending, chunkSize: number, now: Date): Promise<void> {
  const after = sending.fannedOutThrough ?? BEFORE_ALL_ACCOUNTS
  const through = await stepEnd(db, sending, after, chunkSize)
  const cuts = await cutChunks(db, sending, { after, through: through ?? ALL_ACCOUNTS.through }, chunkSize)
  await db.transaction().execute(async (tx) => {
    const first = await advance(tx, sending, through, now)
    // Another delivery of the same task was faster, or it was cancelled.
    if (!first) return
    const numbers = await storeChunks(tx, sending.id, cuts)
    const earlier = new Date(now.getTime() - 1)
    await addToOutbox(tx, [
      ...(through === undefined ? [] : [fanOutTask(sending, earlier)]),
      ...numbers.map((number) => chunkTask(sending, number, now)),
    ])
  })
  stepped()
}

/** A small audience is one chunk, which whoever calls sends itself. */
export async function fanOutWhole(db: Db, sending: Sending, now: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (!(await advance(tx, sending, undefined, now))) return
    await storeChunks(tx, sending.id, [{ ...ALL_ACCOUNTS, recipients: sending.recipients }])
  })
}

/** How many are meant now that a broadcast begins; it may have been accepted weeks ago. */
export async function countAgain(db: Db, sending: Sending): Promise<void> {
  const recipients = await countRecipients(db, sending)
  await db.updateTable('notification').set({ recipients }).where('id', '=', sending.id).execute()
}

/** Where the step ends; undefined when it reaches the end of all. */
async function stepEnd(db: Db, sending: Sending, after: string, chunkSize: number): Promise<string | undefined> {
  const size = sending.isBroadcast ? ACCOUNTS_PER_STEP : CHUNKS_PER_STEP * chunkSize
  const all = sending.isBroadcast
    ? sql`select id from account where id > ${after}`
    : sql`select account_id as id from notification_recipient
        where notification_id = ${sending.id} and account_id > ${after}`
  const { rows } = await sql<{ id: string }>`${all} order by id offset ${size - 1} limit 1`.execute(db)
  return rows[0]?.id
}

async function cutChunks(db: Db, sending: Sending, range: AccountRange, chunkSize: number): Promise<Cut[]> {
  const { rows } = await sql<{ through: string; recipients: number }>`
    with numbered as (
      select account_id, (row_number() over (order by account_id) - 1) / ${chunkSize}::integer as chunk
      from (${recipientsIn(sending, range)}) as recipient
    )
    select (array_agg(account_id order by account_id desc))[1] as through, count(*)::integer as recipients
    from numbered group by chunk order by chunk`.execute(db)
  let after = range.after
  return rows.map(({ through, recipients }) => {
    const cut = { after, through, recipients }
    after = through
    return cut
  })
}

/** Notes how far the fan-out is; false when it is not where it was. */
async function advance(tx: Tx, sending: Sending, through: string | undefined, now: Date): Promise<boolean> {
  const row = await tx
    .updateTable('notification')
    .set(through === undefined ? { fanned_out_at: now } : { fanned_out_through: through })
    .where('id', '=', sending.id)
    .where('state', '=', 'sending')
    .where('fanned_out_at', 'is', null)
    .where('fanned_out_through', 'is not distinct from', sending.fannedOutThrough)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

async function storeChunks(tx: Tx, notificationId: string, cuts: readonly Cut[]): Promise<number[]> {
  if (cuts.length === 0) return []
  const { rows } = await sql<{ number: number }>`
    insert into notification_chunk (notification_id, number, after_account, through_account, settled_through, recipients)
    select ${notificationId}::uuid, known.count + cut.place, cut.after, cut.through, cut.after, cut.recipients
    from (select count(*)::integer as count from notification_chunk where notification_id = ${notificationId}) as known,
      unnest(
        ${cuts.map((cut) => cut.after)}::uuid[],
        ${cuts.map((cut) => cut.through)}::uuid[],
        ${cuts.map((cut) => cut.recipients)}::integer[]
      ) with ordinality as cut (after, through, recipients, place)
    returning number`.execute(tx)
  return rows.map((row) => row.number)
}
