import type { Closeable } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import type { Timers } from './timers.ts'

export interface PeriodicOptions {
  /** For the log, such as `upkeep of accounts`. */
  readonly name: string
  /** From the end of one run to the start of the next. */
  readonly everyMs: number
  readonly timers: Timers
  readonly log: Logger
  /** A run that throws is logged, and the next one comes all the same. */
  readonly work: () => Promise<void>
}

/** Runs `work` again and again until it is closed; the first time after `everyMs`. Closing waits for a run under way. */
export function periodically(options: PeriodicOptions): Closeable {
  const { name, everyMs, timers, log, work } = options
  let running: Promise<void> = Promise.resolve()
  let isClosed = false
  let cancel = timers.after(everyMs, wake)

  function wake(): void {
    running = run()
  }

  async function run(): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.warn({ err: error, part: name }, 'failed; it is tried again in its time')
    }
    if (!isClosed) cancel = timers.after(everyMs, wake)
  }

  return {
    async close() {
      isClosed = true
      cancel()
      await running
    },
  }
}
