import { type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { type PreferenceColumns, toPreference } from '#src/modules/preferences/reach-now.ts'
import type { AccountRange } from './account-range.ts'
import type { Chunk, ChunkDevice, ChunkStore, Lease, PageRecord } from './chunk-store.ts'
import { followUpTask } from './queue-tasks.ts'
import { recipientsIn } from './recipients.ts'
import { retireTargets } from './retire-targets.ts'
import { isSending, noteFirstSent, type Sending } from './sending.ts'
import { isNotQuarantined } from './target-quarantine.ts'

export function sqlChunkStore(db: Db): ChunkStore {
  return {
    chunk: (notificationId, number) => readChunk(db, notificationId, number),
    devices: (sending, range) => readDevices(db, sending, range),
    take: (notificationId, chunk, first) => takeChunk(db, notificationId, chunk, first),
    record: (sending, lease, page) => recordPage(db, sending, lease, page),
    release: (lease, unknownThrough) => releaseChunk(db, lease, unknownThrough),
    retire: (retired, now) => retireTargets(db, retired, now),
    isSending: (notificationId) => isSending(db, notificationId),
  }
}

async function readChunk(db: Db, notificationId: string, number: number): Promise<Chunk | undefined> {
  const row = await db
    .selectFrom('notification_chunk')
    .select(['settled_through', 'through_account', 'sending_through', 'lease', 'leased_until'])
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .where('done_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return {
    number,
    settledThrough: row.settled_through,
    through: row.through_account,
    sendingThrough: row.sending_through,
    lease: row.lease,
    leasedUntil: row.leased_until,
  }
}

async function readDevices(db: Db, sending: Sending, range: AccountRange): Promise<ChunkDevice[]> {
  const { rows } = await sql<
    PreferenceColumns & { account_id: string; id: string; target_kind: 'token' | 'fid'; target: string }
  >`
    with recipient as materialized (${recipientsIn(sending, range)})
    select r.account_id, d.id, d.target_kind, d.target, p.muted_types, p.quiet_from, p.quiet_until
    from recipient r
    -- Looked up one by one: a planner that takes the range for a larger one would read every device, at every chunk.
    cross join lateral (select * from device where account_id = r.account_id and target is not null offset 0) d
    left join lateral (select * from push_preference where account_id = r.account_id offset 0) p on true
    where ${isNotQuarantined}
      and not exists (select from delivery x where x.notification_id = ${sending.id} and x.device_id = d.id offset 0)
    order by r.account_id, d.id`.execute(db)
  return rows.map((row) => ({
    accountId: row.account_id,
    deviceId: row.id,
    targetKind: row.target_kind,
    target: row.target,
    preference: toPreference(row),
  }))
}

async function takeChunk(
  db: Db,
  notificationId: string,
  { number, lease, settledThrough }: Chunk,
  first: { readonly sendingThrough: string; readonly until: Date; readonly devices: number },
): Promise<Lease | undefined> {
  const row = await db
    .updateTable('notification_chunk')
    .set({
      lease: lease + 1,
      leased_until: first.until,
      sending_through: sql<string>`greatest(sending_through, ${first.sendingThrough}::uuid)`,
      devices_left: first.devices,
    })
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .where('lease', '=', lease)
    .where('settled_through', '=', settledThrough)
    .where('done_at', 'is', null)
    .returning('number')
    .executeTakeFirst()
  return row === undefined ? undefined : { notificationId, number, lease: lease + 1 }
}

async function recordPage(db: Db, sending: Sending, lease: Lease, page: PageRecord) {
  const dueAt = page.rows.flatMap(({ nextAttemptAt }) => (nextAttemptAt === null ? [] : [nextAttemptAt.getTime()]))
  const recorded =
    dueAt.length === 0
      ? await writePage(db, sending, lease, page)
      : await db.transaction().execute(async (tx) => {
          const state = await writePage(tx, sending, lease, page)
          if (state === 'sending') await addToOutbox(tx, [followUpTask(sending, new Date(Math.min(...dueAt)))])
          return state
        })
  if (recorded === undefined) return wasRecorded(db, lease, page)
  return recorded === 'sending' ? 'recorded' : 'cancelled'
}

/** The notification's state; undefined when the chunk is not ours, or not where we think it is. */
async function writePage(db: Db | Tx, sending: Sending, lease: Lease, page: PageRecord): Promise<string | undefined> {
  const sentAny = page.sent > 0 || page.rows.some((row) => row.state === 'sent')
  const moved = moveChunk(lease, page)
  // Most pages of a broadcast have no row: planning the whole statement would cost more than running it.
  const statement =
    page.rows.length === 0
      ? sql<{ state: string }>`${moved} returning n.state`
      : sql<{ state: string }>`with held as (${moved} returning n.id, n.state), outcome as (${addRows(page)})
          select state from held`
  const { rows } = await statement.execute(db)
  if (sentAny && !sending.hasSent && rows.length > 0) await noteFirstSent(db, sending.id, page.now)
  return rows[0]?.state
}

function moveChunk(lease: Lease, page: PageRecord): RawBuilder<unknown> {
  const { after, through, rest, sent, muted, expired, now } = page
  const settled = sent + muted + expired + page.rows.length
  const next = typeof rest === 'object' ? rest : undefined
  return sql`update notification_chunk c set
      settled_through = ${through},
      sending_through = greatest(
        ${next?.sendingThrough ?? null}::uuid, case when c.sending_through > ${through} then c.sending_through end
      ),
      leased_until = ${next?.until ?? null}::timestamptz, done_at = ${rest === 'done' ? now : null}::timestamptz,
      devices_left = c.devices_left - ${settled},
      sent = c.sent + ${sent}, muted = c.muted + ${muted}, expired = c.expired + ${expired}
    from notification n
    where n.id = c.notification_id and c.notification_id = ${lease.notificationId} and c.number = ${lease.number}
      and c.lease = ${lease.lease} and c.settled_through = ${after} and c.done_at is null`
}

function addRows({ rows, now }: PageRecord): RawBuilder<unknown> {
  const column = <T>(value: (row: (typeof rows)[number]) => T): T[] => rows.map(value)
  return sql`insert into delivery (
      notification_id, device_id, state, attempts, first_tried_at, next_attempt_at, provider_id, reason,
      maybe_duplicate, updated_at
    )
    select held.id, row.*, ${now}::timestamptz
    from held, unnest(
      ${column((row) => row.deviceId)}::uuid[],
      ${column((row) => row.state)}::text[],
      ${column((row) => row.attempts)}::smallint[],
      ${column((row) => row.firstTriedAt)}::timestamptz[],
      ${column((row) => row.nextAttemptAt)}::timestamptz[],
      ${column((row) => row.providerId)}::text[],
      ${column((row) => row.reason)}::text[],
      ${column((row) => row.maybeDuplicate)}::boolean[]
    ) as row
    on conflict (notification_id, device_id) do nothing`
}

/** Nothing was written: the answer to an earlier try was lost, or the chunk is another's. */
async function wasRecorded(db: Db, lease: Lease, page: PageRecord): Promise<'recorded' | 'cancelled' | 'lost'> {
  const row = await db
    .selectFrom('notification_chunk as c')
    .innerJoin('notification as n', 'n.id', 'c.notification_id')
    .select('n.state')
    .where('c.notification_id', '=', lease.notificationId)
    .where('c.number', '=', lease.number)
    .where('c.lease', '=', lease.lease)
    .where('c.settled_through', '=', page.through)
    .executeTakeFirst()
  if (row === undefined) return 'lost'
  return row.state === 'cancelled' ? 'cancelled' : 'recorded'
}

async function releaseChunk(
  db: Db,
  { notificationId, number, lease }: Lease,
  unknownThrough: string | null,
): Promise<void> {
  await db
    .updateTable('notification_chunk')
    .set({ leased_until: null, sending_through: unknownThrough })
    .where('notification_id', '=', notificationId)
    .where('number', '=', number)
    .where('lease', '=', lease)
    .execute()
}
