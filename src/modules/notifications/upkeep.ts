import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import { removeOldMessages } from '#src/modules/inbox/retention.ts'
import { pruneIdempotencyKeys } from './idempotency.ts'
import { removeStaleTargets } from './stale-targets.ts'
import { requeueUnfinished } from './sending/unfinished.ts'

export interface NotificationUpkeepParts {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
}

/** Longer than a task waits in any queue, and than a device is tried for. */
const IDLE_MS = 2 * 3_600_000

/**
 * Every hour: forgets old Idempotency-Keys, old messages and the targets of devices that are gone, and queues again what
 * a task that failed for good, or a broker that lost its messages, has left behind. Any number of processes may do it.
 */
export function notificationUpkeep({ db, timers, log }: NotificationUpkeepParts): Closeable {
  return periodically({
    name: 'upkeep of notifications',
    everyMs: 3_600_000,
    timers,
    log,
    work: async () => {
      const pruned = await pruneIdempotencyKeys(db, timers.now())
      const stale = await removeStaleTargets(db, timers.now())
      if (stale > 0) log.info({ targets: stale }, 'push targets of devices not seen for nine months are removed')
      const old = await removeOldMessages(db, timers.now())
      if (old > 0) log.info({ notifications: old }, 'old messages are removed')
      const requeued = await requeueUnfinished(db, timers.now, { isAlone: false, idleMs: IDLE_MS })
      if (requeued > 0) log.warn({ requeued, pruned }, 'notifications that nobody was sending are queued again')
    },
  })
}
