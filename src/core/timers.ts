import { type Clock, systemClock } from './clock.ts'

/** Waking later, on the clock that `now` reads. Code that waits takes one, so that tests can move the time. */
export interface Timers {
  /** Milliseconds since 1970 UTC. */
  readonly now: Clock
  /** Runs `wake` once, `delayMs` from now at the earliest, and never after the returned function was called. It does not keep the process alive. */
  after(delayMs: number, wake: () => void): () => void
}

/** Node fires a timer at once when its delay does not fit 31 bits. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

export const systemTimers: Timers = {
  now: systemClock,
  after(delayMs, wake) {
    const dueAt = systemClock() + delayMs
    let timer: NodeJS.Timeout
    const sleep = (): void => {
      const leftMs = dueAt - systemClock()
      timer = setTimeout(leftMs > LONGEST_DELAY_MS ? sleep : wake, Math.min(Math.max(leftMs, 0), LONGEST_DELAY_MS))
      timer.unref()
    }
    sleep()
    return () => clearTimeout(timer)
  },
}
