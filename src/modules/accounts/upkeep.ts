import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import { pruneGuards } from './login-guard.ts'
import type { Sessions } from './sessions.ts'

export interface AccountUpkeepParts {
  readonly db: Db
  readonly sessions: Sessions
  readonly timers: Timers
  readonly log: Logger
}

/** Every hour: removes sessions, and counts of failed logins, that nobody can use any more. */
export function accountUpkeep({ db, sessions, timers, log }: AccountUpkeepParts): Closeable {
  return periodically({
    name: 'upkeep of accounts',
    everyMs: 3_600_000,
    timers,
    log,
    work: async () => {
      await sessions.prune()
      await pruneGuards(db, timers.now())
    },
  })
}
