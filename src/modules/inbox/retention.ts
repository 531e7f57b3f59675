import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'

export interface Retention {
  /** How long a message is in inboxes, from when it became visible. @default 180 */
  readonly inboxDays?: number
  /** How long the outcome for each device is kept, from its last change. @default 30 */
  readonly deliveryDays?: number
  /** Statements of one call, so that it ends soon; what is left is removed by later ones. @default 500 */
  readonly mostBatches?: number
}

const DAY_MS = 86_400_000
/** Rows of one statement: a matter of milliseconds. */
const BATCH = 1_000
const NOTIFICATIONS_AT_ONCE = 100

/**
 * Removes old messages with all that hangs on them, and old outcomes but for their counts; never of what is still being
 * sent. Small statements, each for itself, so that nobody waits for them and any number of processes may do it. Returns
 * how many notifications are gone.
 */
export async function removeOldMessages(db: Db, now: number, retention: Retention = {}): Promise<number> {
  const { inboxDays = 180, deliveryDays = 30, mostBatches = 500 } = retention
  const budget = { batches: mostBatches }
  const outcomesBefore = new Date(now - deliveryDays * DAY_MS)
  await drain(budget, () => removeOutcomes(db, outcomesBefore))
  const before = new Date(now - inboxDays * DAY_MS)
  let removed = 0
  while (budget.batches > 0) {
    const ids = await endedBefore(db, before)
    if (ids.length === 0) break
    removed += await removeNotifications(db, budget, ids)
  }
  return removed
}

interface Budget {
  batches: number
}

/** Whether all are gone. @param removeBatch returns how many rows it has removed */
async function drain(budget: Budget, removeBatch: () => Promise<number>): Promise<boolean> {
  while (budget.batches > 0) {
    budget.batches -= 1
    if ((await removeBatch()) < BATCH) return true
  }
  return false
}

/**
 * Outcomes go, and their counts stay. The notification is locked first: who removes it at the same time, with its
 * outcomes, would wait for these while the count waits for it.
 */
async function removeOutcomes(db: Db, before: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with removed as (
      delete from delivery where ctid = any(array(
        select gone.ctid from delivery gone join notification n on n.id = gone.notification_id
        where gone.updated_at < ${before} and n.state in ('done', 'cancelled')
        order by gone.updated_at limit ${BATCH}
        for key share of n skip locked for update of gone skip locked
      ))
      returning notification_id, state
    ), counted as (
      insert into delivery_tally as known (notification_id, state, devices)
      select notification_id, state, count(*) from removed group by notification_id, state
      order by notification_id, state
      on conflict (notification_id, state) do update set devices = known.devices + excluded.devices
    )
    select count(*)::integer as count from removed`.execute(db)
  return rows[0]?.count ?? 0
}

async function endedBefore(db: Db, before: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('notification')
    .select('id')
    .where('visible_at', '<', before)
    .where('state', 'in', ['done', 'cancelled'])
    .orderBy('visible_at')
    .limit(NOTIFICATIONS_AT_ONCE)
    .execute()
  return rows.map(({ id }) => id)
}

/** All that there may be many of for one notification. */
const HANGING_ON = ['delivery', 'notification_receipt', 'notification_recipient', 'notification_chunk'] as const

/** A notification that went first would take a million receipts along in one statement. */
async function removeNotifications(db: Db, budget: Budget, ids: readonly string[]): Promise<number> {
  for (const table of HANGING_ON) {
    if (!(await drain(budget, () => removeRows(db, table, ids)))) return 0
  }
  const { numDeletedRows } = await db.deleteFrom('notification').where('id', 'in', ids).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

async function removeRows(db: Db, table: (typeof HANGING_ON)[number], ids: readonly string[]): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where ctid = any(array(
      select gone.ctid from ${sql.table(table)} gone where gone.notification_id = any(${ids}::uuid[])
      limit ${BATCH} for update of gone skip locked
    ))`.execute(db)
  return Number(numAffectedRows)
}
