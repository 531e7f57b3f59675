import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { moment } from '#src/core/moment.ts'
import type { Db, Tx } from '#src/database/database.ts'
import type { Timers } from '#src/core/timers.ts'
import { lockDueTasks, type OutboxTask, removeFromOutbox } from './outbox.ts'

export type PublishedTask = Omit<OutboxTask, 'key' | 'notBefore'>

/** Resolves when the broker has confirmed the task's message; rejects when that is not known. */
export type SendTask = (task: PublishedTask) => Promise<void>

export interface PublisherParts {
  readonly db: Db
  readonly sendTask: SendTask
  readonly timers: Timers
  readonly log: Logger
}

const confirmedByBroker = moment('outbox.confirmed')

const WINDOW = 200
const SWEEP_EVERY_MS = 1_000
/** A broker that takes the connection and confirms nothing must not hold the rows, and their transaction, for ever. */
const CONFIRM_WITHIN_MS = 10_000

/**
 * Hands the outbox to the broker: at once when kicked, and every second what is due or was left by a crash.
 * At least once: between the broker's confirm and the removal of the row a crash publishes it again.
 */
export class OutboxPublisher implements Closeable {
  readonly #parts: PublisherParts
  #running: Promise<void> | undefined
  #kickedAgain = false
  #stopTimer: (() => void) | undefined
  #isClosed = false
  #isFailing = false

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#isClosed || this.#stopTimer !== undefined) return
    this.#stopTimer = this.#parts.timers.after(SWEEP_EVERY_MS, () => {
      this.#stopTimer = undefined
      this.kick()
      this.start()
    })
  }

  /** Publishes what is due, soon; never throws. Kicks while a run is under way are one further run. */
  kick(): void {
    if (this.#isClosed) return
    if (this.#running !== undefined) {
      this.#kickedAgain = true
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (!this.#kickedAgain) return
      this.#kickedAgain = false
      this.kick()
    })
  }

  /** Publishes everything that is due and returns how many that was. Rejects when the database or the broker fails. */
  async drain(): Promise<number> {
    let published = 0
    for (;;) {
      const window = await this.#publishWindow()
      published += window
      if (window < WINDOW) return published
    }
  }

  /** Publishes what is due a last time. What the broker does not take stays in the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopTimer?.()
    await this.#running
    await this.#run()
  }

  async #run(): Promise<void> {
    try {
      await this.drain()
      if (this.#isFailing) this.#parts.log.info('the outbox is published again')
      this.#isFailing = false
    } catch (error) {
      // Told once, not at every sweep: the tasks are safe, and the next sweep tries again.
      if (!this.#isFailing) this.#parts.log.warn({ err: error }, 'the outbox could not be published')
      this.#isFailing = true
    }
  }

  async #publishWindow(): Promise<number> {
    const { db } = this.#parts
    const { published, failure } = await db.transaction().execute((tx) => this.#publishIn(tx))
    if (failure !== undefined) throw new Error('the broker did not take every task', { cause: failure })
    return published
  }

  async #publishIn(tx: Tx): Promise<{ published: number; failure: unknown }> {
    const rows = await lockDueTasks(tx, new Date(this.#parts.timers.now()), WINDOW)
    if (rows.length === 0) return { published: 0, failure: undefined }
    const results = await withinTime(
      rows.map(({ task_id: taskId, task, queue, priority, kwargs }) =>
        this.#parts.sendTask({ taskId, task, queue, priority, kwargs: kwargs as PublishedTask['kwargs'] }),
      ),
    )
    confirmedByBroker()
    const confirmed = rows.filter((_row, index) => results[index]?.status === 'fulfilled')
    await removeFromOutbox(
      tx,
      confirmed.map((row) => row.key),
    )
    const failed = results.find((result) => result.status === 'rejected')
    return { published: confirmed.length, failure: failed?.reason }
  }
}

async function withinTime(sends: readonly Promise<void>[]): Promise<PromiseSettledResult<void>[]> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not confirmed within ${CONFIRM_WITHIN_MS} ms`)), CONFIRM_WITHIN_MS)
  try {
    return await Promise.allSettled(sends.map((send) => Promise.race([send, tooLate])))
  } finally {
    clearTimeout(timer)
  }
}
