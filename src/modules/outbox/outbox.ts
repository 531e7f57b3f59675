import { sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'

/** A task for a worker, promised in the transaction that made it necessary. */
export interface OutboxTask {
  /** What the task is for: while it waits here, the same work is not queued twice. */
  readonly key: string
  readonly taskId: string
  readonly task: string
  readonly queue: string
  /** Of the message: 0 to 9. */
  readonly priority: number
  readonly kwargs: Readonly<Record<string, string | number | boolean>>
  readonly notBefore: Date
}

/** Stores the tasks; one whose key waits already is brought forward instead, if it was due later. */
export async function addToOutbox(db: Db | Tx, tasks: readonly OutboxTask[]): Promise<void> {
  if (tasks.length === 0) return
  await db
    .insertInto('outbox')
    .values(
      tasks.map((task) => ({
        key: task.key,
        task_id: task.taskId,
        task: task.task,
        queue: task.queue,
        priority: task.priority,
        kwargs: JSON.stringify(task.kwargs),
        not_before: task.notBefore,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({ not_before: sql<Date>`least(outbox.not_before, excluded.not_before)` })
        .whereRef('outbox.not_before', '>', 'excluded.not_before'),
    )
    .execute()
}

/** Up to `limit` tasks that are due. Locked until the transaction ends: other publishers pass them over. */
export function lockDueTasks(tx: Tx, now: Date, limit: number) {
  return tx
    .selectFrom('outbox')
    .select(['key', 'task_id', 'task', 'queue', 'priority', 'kwargs'])
    .where('not_before', '<=', now)
    .orderBy('not_before')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
}

export async function removeFromOutbox(tx: Tx, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await tx.deleteFrom('outbox').where('key', 'in', keys).execute()
}

export interface OutboxLag {
  /** Tasks that are due and not with the broker yet. */
  readonly waiting: number
  /** Since the oldest of them was due; 0 when none waits. */
  readonly oldestSeconds: number
}

/** How far the broker is behind what was promised. */
export async function outboxLag(db: Db, now: Date): Promise<OutboxLag> {
  const row = await db
    .selectFrom('outbox')
    .select(({ fn }) => [fn.countAll<number>().as('waiting'), fn.min('not_before').as('oldest')])
    .where('not_before', '<=', now)
    .executeTakeFirstOrThrow()
  return {
    waiting: row.waiting,
    oldestSeconds: row.oldest === null ? 0 : (now.getTime() - row.oldest.getTime()) / 1_000,
  }
}
