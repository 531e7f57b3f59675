import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { ACCESS_TOKEN_SECONDS } from './token-lives.ts'

/** How far back each look goes over the last one: a transaction may commit after a later one was seen. */
const OVERLAP_MS = 30_000
const POLL_MS = 1_000

/**
 * The sessions that ended less than one access token's life ago, mirrored from PostgreSQL, so that every
 * request is checked without a query. A logout on this process counts at once; one on another process
 * within a second.
 */
export interface Revocations {
  has(sessionId: string): boolean
  /** A session that this process has ended. */
  add(sessionId: string): void
  /** One that another process has ended. */
  learn(sessionId: string): void
  /** Called with every session that is added. */
  onAdded(listener: (sessionId: string) => void): void
  /** Called once with every session that ends, in whichever process; within a second of its end. */
  onEnded(listener: (sessionId: string) => void): void
  /** Loads the mirror and keeps it current. Rejects when the database cannot be read: no request may be served before. */
  start(): Promise<void>
  close(): Promise<void>
}

export function revocations(db: Db, log: Logger, clock: Clock): Revocations {
  const ended = new Map<string, number>()
  const lifeMs = ACCESS_TOKEN_SECONDS * 1_000
  let timer: NodeJS.Timeout | undefined
  let seenUntil = 0
  let announce = (_sessionId: string): void => {}
  let tellEnded = (_sessionId: string): void => {}

  function note(sessionId: string, endedAt: number): void {
    const isNew = !ended.has(sessionId)
    ended.set(sessionId, endedAt)
    if (isNew) tellEnded(sessionId)
  }

  async function refresh(): Promise<void> {
    const now = clock()
    const since = new Date(Math.max(seenUntil - OVERLAP_MS, now - lifeMs))
    const rows = await db.selectFrom('session').select(['id', 'ended_at']).where('ended_at', '>', since).execute()
    for (const row of rows) note(row.id, row.ended_at?.getTime() ?? now)
    seenUntil = now
    for (const [id, endedAt] of ended) if (endedAt < now - lifeMs) ended.delete(id)
  }

  function schedule(): void {
    timer = setTimeout(() => {
      refresh()
        .catch((error: unknown) => log.warn({ err: error }, 'ended sessions could not be read'))
        .finally(() => timer !== undefined && schedule())
    }, POLL_MS)
    timer.unref()
  }

  return {
    has: (sessionId) => ended.has(sessionId),
    add(sessionId) {
      note(sessionId, clock())
      announce(sessionId)
    },
    learn: (sessionId) => note(sessionId, clock()),
    onAdded: (listener) => void (announce = listener),
    onEnded: (listener) => void (tellEnded = listener),
    async start() {
      await refresh()
      schedule()
    },
    async close() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
