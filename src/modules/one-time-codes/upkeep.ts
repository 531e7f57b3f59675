import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import { KEPT_MS } from './limits.ts'

export interface OneTimeCodeUpkeepParts {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
}

/** Every hour: forgets the codes that count against no limit any more. Any number of processes may do it. */
export function oneTimeCodeUpkeep({ db, timers, log }: OneTimeCodeUpkeepParts): Closeable {
  const work = (): Promise<void> => pruneOneTimeCodes(db, timers.now())
  return periodically({ name: 'upkeep of one-time codes', everyMs: 3_600_000, timers, log, work })
}

export async function pruneOneTimeCodes(db: Db, nowMs: number): Promise<void> {
  await db
    .deleteFrom('one_time_code')
    .where('sent_at', '<', new Date(nowMs - KEPT_MS))
    .execute()
}
