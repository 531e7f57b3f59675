import { lateReads } from './late-reads.ts'
import { standStillNowAndThen } from './standstills.ts'

/** A third of the reads are late: mostly by little, sometimes by as much as a loaded machine would make them. */
lateReads({ delayMs: () => (Math.random() < 1 / 3 ? Math.random() ** 3 * 50 : 0) })
standStillNowAndThen({ pauseMs: () => Math.random() * 400, lengthMs: () => Math.random() ** 3 * 100 })
