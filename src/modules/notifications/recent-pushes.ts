import { sql } from 'kysely'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'

/** What became of the pushes of the last 15 minutes, the one under way included. */
export interface RecentPushes {
  readonly sent: number
  /** Not sent, whoever's fault it was; without the dead ones. */
  readonly failed: number
  /** Of the failed: FCM says that the device belongs to another project, as all do when the credentials are wrong. */
  readonly senderMismatch: number
  readonly dead: number
  /** Waiting for another attempt now, however old; counted to 100,000. */
  readonly retrying: number
}

const WINDOW_MINUTES = 15
const MINUTE_MS = 60_000
const MAX_RETRYING = 100_000
/** An outcome is recorded within seconds of the time it bears: a minute later it is in the database, or never will be. */
const SETTLE_MINUTES = 1
/** However many ask: Prometheus comes more often, and with several eyes. */
const ANSWER_KEPT_MS = 10_000

type MinuteCounts = Omit<RecentPushes, 'retrying'>

/**
 * Counts by the minute and keeps the minutes that are over, so that at a full quota, millions in the window, only the
 * newest two minutes are looked up each time. Rejects when the database does not answer.
 */
export class RecentPushCounter {
  readonly #db: Db
  readonly #clock: Clock
  readonly #minutes = new Map<number, MinuteCounts>()
  /** What is before this minute is counted for good. */
  #openSince = 0
  #answer: { readonly atMs: number; readonly counts: Promise<RecentPushes> } | undefined

  constructor(db: Db, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  read(): Promise<RecentPushes> {
    const nowMs = this.#clock()
    if (this.#answer === undefined || nowMs - this.#answer.atMs >= ANSWER_KEPT_MS) {
      this.#answer = { atMs: nowMs, counts: this.#count(nowMs) }
    }
    return this.#answer.counts
  }

  async #count(nowMs: number): Promise<RecentPushes> {
    const minute = Math.floor(nowMs / MINUTE_MS)
    const first = minute - WINDOW_MINUTES + 1
    const from = Math.max(first, this.#openSince)
    const [counted, retrying] = await Promise.all([countSince(this.#db, from), countRetrying(this.#db)])
    for (const known of this.#minutes.keys()) if (known < first || known >= from) this.#minutes.delete(known)
    for (const { minute: each, ...counts } of counted) this.#minutes.set(each, counts)
    this.#openSince = minute - SETTLE_MINUTES
    const sum = (of: keyof MinuteCounts): number =>
      this.#minutes.values().reduce((total, counts) => total + counts[of], 0)
    return {
      sent: sum('sent'),
      failed: sum('failed'),
      senderMismatch: sum('senderMismatch'),
      dead: sum('dead'),
      retrying,
    }
  }
}

/** By the minute since 1970. The first attempts of a broadcast have no row where they went well: their chunk counts them. */
async function countSince(db: Db, minute: number): Promise<(MinuteCounts & { readonly minute: number })[]> {
  const from = new Date(minute * MINUTE_MS)
  const { rows } = await sql<MinuteCounts & { minute: number }>`
    select
      minute, sum(sent)::integer as sent, sum(failed)::integer as failed,
      sum(mismatch)::integer as "senderMismatch", sum(dead)::integer as dead
    from (
      select
        floor(extract(epoch from updated_at) / 60)::integer as minute,
        count(*) filter (where state = 'sent') as sent,
        count(*) filter (where state = 'failed' and attempts > 0) as failed,
        count(*) filter (where state = 'failed' and reason = 'SENDER_ID_MISMATCH') as mismatch,
        count(*) filter (where state = 'dead') as dead
      from delivery where updated_at >= ${from} group by 1
      union all
      select floor(extract(epoch from done_at) / 60)::integer, sum(sent), 0, 0, 0
      from notification_chunk where done_at >= ${from} group by 1
    ) as counted
    group by minute`.execute(db)
  return rows
}

async function countRetrying(db: Db): Promise<number> {
  const { rows } = await sql<{ retrying: number }>`
    select count(*)::integer as retrying
    from (select from delivery where state = 'retrying' limit ${MAX_RETRYING}) as waiting`.execute(db)
  return rows[0]?.retrying ?? 0
}
