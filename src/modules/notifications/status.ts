import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'

/** Over so long the rate is measured: short enough to tell of now, long enough not to jump with each chunk. */
const RATE_OVER_MS = 15_000

/** The state and the counts of one notification, with its rate and its likely end while it is under way. */
export async function notificationStatus(db: Db, id: string, now: Date) {
  const notification = await db
    .selectFrom('notification')
    .select([
      'id',
      'state',
      'recipients',
      'queued_at',
      'visible_at',
      'expires_at',
      'first_sent_at',
      'done_at',
      'cancelled_at',
    ])
    .where('id', '=', id)
    .executeTakeFirst()
  if (notification === undefined) return undefined
  const since = new Date(now.getTime() - RATE_OVER_MS)
  const [chunks, deliveries] = await Promise.all([chunkCounts(db, id, since), deliveryCounts(db, id, since)])
  const sum = (...states: string[]): number =>
    states.reduce((total, state) => total + (deliveries.count[state] ?? 0), 0)
  const { state, recipients } = notification
  // What waited for another attempt when it was cancelled gets none.
  const waiting = sum('retrying', 'pending') + sum('held')
  const startedAt = notification.first_sent_at ?? notification.visible_at
  const windowMs = Math.max(1_000, Math.min(RATE_OVER_MS, now.getTime() - startedAt.getTime()))
  // Customers may have come since they were counted.
  const left = Math.max(0, recipients - chunks.recipientsDone)
  const speed = chunks.recipientsLately / windowMs
  const perMinute = ((chunks.settledLately + deliveries.settledLately) / windowMs) * 60_000
  return {
    id: notification.id,
    state,
    counts: {
      recipients,
      recipients_done: chunks.recipientsDone,
      devices: chunks.devices + deliveries.devices,
      sent: chunks.sent + sum('sent'),
      failed: sum('failed') + (state === 'cancelled' ? waiting : 0),
      dead_tokens: sum('dead'),
      retrying: state === 'cancelled' ? 0 : sum('retrying', 'pending'),
      held: state === 'cancelled' ? 0 : sum('held'),
      muted: chunks.muted,
      expired: chunks.expired + sum('expired'),
    },
    rate_per_minute: state === 'sending' ? Math.round(perMinute) : null,
    estimated_done_at: state === 'sending' ? estimatedEnd(left, speed, deliveries.nextAttemptAt, now) : null,
    queued_at: notification.queued_at.toISOString(),
    send_at: notification.visible_at.toISOString(),
    expires_at: notification.expires_at?.toISOString() ?? null,
    first_sent_at: notification.first_sent_at?.toISOString() ?? null,
    done_at: notification.done_at?.toISOString() ?? null,
    cancelled_at: notification.cancelled_at?.toISOString() ?? null,
  }
}

/** Not before the last attempt that is known of. Null while recipients are left and none were settled lately: nobody knows. */
function estimatedEnd(left: number, recipientsPerMs: number, nextAttemptAt: Date | null, now: Date): string | null {
  if (left > 0 && recipientsPerMs === 0) return null
  const leftMs = left === 0 ? 0 : left / recipientsPerMs
  return new Date(Math.max(now.getTime() + leftMs, nextAttemptAt?.getTime() ?? 0)).toISOString()
}

interface ChunkCounts {
  /** Those that have no row in delivery. */
  readonly devices: number
  readonly sent: number
  readonly muted: number
  readonly expired: number
  readonly recipientsDone: number
  readonly recipientsLately: number
  /** Pushes that went without a row of their own. */
  readonly settledLately: number
}

async function chunkCounts(db: Db, id: string, since: Date): Promise<ChunkCounts> {
  const { rows } = await sql<ChunkCounts>`
    select
      coalesce(sum(devices_left + sent + muted + expired), 0)::integer as devices, coalesce(sum(sent), 0)::integer as sent,
      coalesce(sum(muted), 0)::integer as muted, coalesce(sum(expired), 0)::integer as expired,
      coalesce(sum(recipients) filter (where done_at is not null), 0)::integer as "recipientsDone",
      coalesce(sum(recipients) filter (where done_at > ${since}), 0)::integer as "recipientsLately",
      coalesce(sum(sent) filter (where done_at > ${since}), 0)::integer as "settledLately"
    from notification_chunk where notification_id = ${id}`.execute(db)
  const [counts] = rows
  if (counts === undefined) throw new Error('an aggregate without a row')
  return counts
}

async function deliveryCounts(db: Db, id: string, since: Date) {
  const { rows } = await sql<{ state: string; count: number; lately: number; next: Date | null }>`
    select state, sum(count)::integer as count, sum(lately)::integer as lately, max(next) as next
    from (
      select state, count(*) as count, count(*) filter (where updated_at > ${since}) as lately,
        max(next_attempt_at) as next
      from delivery where notification_id = ${id} group by state
      union all
      -- Of rows that are gone for their age.
      select state, devices, 0, null from delivery_tally where notification_id = ${id}
    ) as counted
    group by state`.execute(db)
  const tried = rows.filter(({ state }) => state !== 'held' && state !== 'expired')
  return {
    devices: rows.reduce((total, { count }) => total + count, 0),
    count: Object.fromEntries(rows.map(({ state, count }) => [state, count])),
    settledLately: tried.reduce((total, row) => total + row.lately, 0),
    nextAttemptAt: rows.reduce<Date | null>(
      (last, { next }) => (last === null || (next ?? last) > last ? next : last),
      null,
    ),
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
