import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'

export interface LeaseOptions {
  readonly db: Db
  /** What only one process may do at a time. */
  readonly name: string
  readonly timers: Timers
  /** How long after its last word a holder is taken for dead, by the database's clock. */
  readonly ttlMs: number
}

/** A turn that one process at a time has, in the database: a lock of a session would not live through PgBouncer. */
export class Lease {
  readonly #options: LeaseOptions
  readonly #holder = randomUUID()
  /** By our own clock, from before the question: never later than what the database believes. */
  #heldUntil = 0

  constructor(options: LeaseOptions) {
    this.#options = options
  }

  /**
   * Works while the lease is ours, and gives it back; false without having worked when another process has it. The
   * signal aborts when the lease is lost, or could not be renewed until shortly before its end.
   */
  async run(work: (lost: AbortSignal) => Promise<void>): Promise<boolean> {
    if (!(await this.#take())) return false
    const lost = new AbortController()
    const stopRenewing = this.#renew(lost)
    try {
      await work(lost.signal)
    } finally {
      await stopRenewing()
      await this.#giveBack()
    }
    return true
  }

  async #take(): Promise<boolean> {
    const { db, name, ttlMs, timers } = this.#options
    const askedAt = timers.now()
    const taken = await sql`
      insert into lease as held (name, holder, until)
      values (${name}, ${this.#holder}, now() + ${ttlMs} * interval '1 ms')
      on conflict (name) do update set holder = excluded.holder, until = excluded.until
      where held.holder = excluded.holder or held.until < now()
      returning name`.execute(db)
    if (taken.rows.length === 0) return false
    this.#heldUntil = askedAt + ttlMs
    return true
  }

  #renew(lost: AbortController): () => Promise<void> {
    const { timers, ttlMs } = this.#options
    const everyMs = ttlMs / 4
    let renewing: Promise<void> = Promise.resolve()
    const renewOnce = async (): Promise<void> => {
      const isStillOurs = await this.#take().catch(() => timers.now() + everyMs < this.#heldUntil)
      if (isStillOurs) cancel = timers.after(everyMs, wake)
      else lost.abort(new Error('the lease was lost'))
    }
    const wake = (): void => {
      renewing = renewOnce()
    }
    let cancel = timers.after(everyMs, wake)
    return async () => {
      cancel()
      await renewing
      cancel()
    }
  }

  /** Best effort: what is not given back runs out. */
  async #giveBack(): Promise<void> {
    const { db, name } = this.#options
    await db
      .deleteFrom('lease')
      .where('name', '=', name)
      .where('holder', '=', this.#holder)
      .execute()
      .catch(() => undefined)
  }
}
