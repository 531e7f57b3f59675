import { type RawBuilder, sql } from 'kysely'
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
 * Removes old messages with all that hangs on them, and old outcomes; never of what is still being sent. Small
 * statements, each for itself, so that nobody waits for them and any number of processes may do it. Returns how many
 * notifications are gone.
 */
export async function removeOldMessages(db: Db, now: number, retention: Retention = {}): Promise<number> {
  const { inboxDays = 180, deliveryDays = 30, mostBatches = 500 } = retention
  const budget = { batches: mostBatches }
  await drain(db, budget, oldDeliveries(new Date(now - deliveryDays * DAY_MS)))
  const before = new Date(now - inboxDays * DAY_MS)
  let removed = 0
  while (budget.batches > 0) {
    const ids = await endedBefore(db, before)
    if (ids.length === 0) break
    removed += await removeNotifications(db, budget, ids)
  }
  return removed
}

/** A batch of rows that may go, by the physical place that they had when they were looked up. */
type Batch = { readonly table: RawBuilder<unknown>; readonly rows: RawBuilder<unknown> }

interface Budget {
  batches: number
}

/** Whether all are gone. */
async function drain(db: Db, budget: Budget, { table, rows }: Batch): Promise<boolean> {
  while (budget.batches > 0) {
    budget.batches -= 1
    const { numAffectedRows = 0n } = await sql`
      delete from ${table} where ctid = any(array(${rows} limit ${BATCH} for update of gone skip locked))`.execute(db)
    if (numAffectedRows < BATCH) return true
  }
  return false
}

function oldDeliveries(before: Date): Batch {
  return {
    table: sql`delivery`,
    rows: sql`
      select gone.ctid from delivery gone join notification n on n.id = gone.notification_id
      where gone.updated_at < ${before} and n.state in ('done', 'cancelled') order by gone.updated_at`,
  }
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

/** A notification that went first would take a million receipts along in one statement. */
async function removeNotifications(db: Db, budget: Budget, ids: readonly string[]): Promise<number> {
  for (const table of ['delivery', 'notification_receipt', 'notification_recipient', 'notification_chunk'] as const) {
    const rows = sql`select gone.ctid from ${sql.table(table)} gone where gone.notification_id = any(${ids}::uuid[])`
    if (!(await drain(db, budget, { table: sql.table(table), rows }))) return 0
  }
  const { numDeletedRows } = await db.deleteFrom('notification').where('id', 'in', ids).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
