import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import type { Timers } from '#src/ports/timers.ts'
import { pruneIdempotencyKeys } from './idempotency.ts'
import { requeueUnfinished } from './unfinished.ts'

export interface UpkeepParts {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
}

const EVERY_MS = 3_600_000
/** Longer than a task waits in any queue, and than a device is tried for. */
const IDLE_MS = 2 * 3_600_000

/**
 * Every hour: forgets old Idempotency-Keys, and queues again what a task that failed for good, or a broker that lost
 * its messages, has left behind. Any number of processes may do it.
 */
export class NotificationUpkeep implements Closeable {
  readonly #parts: UpkeepParts
  #stopTimer: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  start(): void {
    this.#stopTimer ??= this.#parts.timers.after(EVERY_MS, () => {
      this.#running = this.#run().finally(() => {
        if (this.#stopTimer === undefined) return
        this.#stopTimer = undefined
        this.start()
      })
    })
  }

  async close(): Promise<void> {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    await this.#running
  }

  async #run(): Promise<void> {
    const { db, timers, log } = this.#parts
    try {
      const pruned = await pruneIdempotencyKeys(db, timers.now())
      const requeued = await requeueUnfinished(db, timers.now, { isAlone: false, idleMs: IDLE_MS })
      if (requeued > 0) log.warn({ requeued, pruned }, 'notifications that nobody was sending are queued again')
    } catch (error) {
      log.warn({ err: error }, 'the upkeep of notifications failed; it is tried again in an hour')
    }
  }
}
