import { sql } from 'kysely'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'

/** Redelivered starts that a task may have without an end. A worker that was killed for another reason counts too, so more than a few. */
export const MOST_STARTS = 5
/** A task of which nobody has heard for so long has left its queue in another way. */
const FORGET_AFTER_MS = 7 * 24 * 3_600_000

/**
 * Counts the starts of redelivered tasks that did not end, since a classic queue has no delivery limit: a task that
 * ends every worker that runs it would come again for ever. A first delivery costs nothing.
 */
export class TaskAttempts {
  readonly #db: Db
  readonly #clock: Clock

  constructor(parts: { readonly db: Db; readonly clock: Clock }) {
    this.#db = parts.db
    this.#clock = parts.clock
  }

  /**
   * Notes that a task is about to start. True: it has started too often without an end, and must not start again. Its
   * count is forgotten with that answer, so that an operator who sends it again gives it as many starts.
   */
  async isPoison(taskId: string, redelivered: boolean): Promise<boolean> {
    if (!redelivered) return false
    const { rows } = await sql<{ starts: number }>`
      insert into task_attempt as known (task_id, starts, last_started_at)
      values (${taskId}, 1, ${new Date(this.#clock())})
      on conflict (task_id) do update set starts = known.starts + 1, last_started_at = excluded.last_started_at
      returning starts`.execute(this.#db)
    if ((rows[0]?.starts ?? 0) <= MOST_STARTS) return false
    await this.ended(taskId)
    return true
  }

  /** The process has outlived the task, whatever became of that. */
  async ended(taskId: string): Promise<void> {
    await this.#db.deleteFrom('task_attempt').where('task_id', '=', taskId).execute()
  }

  /** Forgets those of whose tasks nobody has heard for a week. */
  async prune(): Promise<void> {
    const before = new Date(this.#clock() - FORGET_AFTER_MS)
    await this.#db.deleteFrom('task_attempt').where('last_started_at', '<', before).execute()
  }
}
