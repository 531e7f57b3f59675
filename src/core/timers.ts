import { type Clock, steadyClock, systemClock } from './clock.ts'

/** Waking later, on the clock that `now` reads. Code that waits takes one, so that tests can move the time. */
export interface Timers {
  /** Milliseconds since 1970 UTC; of `steadyTimers` since a moment that means nothing. */
  readonly now: Clock
  /** Runs `wake` once, `delayMs` from now at the earliest, and never after the returned function was called. It does not keep the process alive. */
  after(delayMs: number, wake: () => void): () => void
}

/** Node fires a timer at once when its delay does not fit 31 bits. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/** For what is due at a time of day, or is written down. */
export const systemTimers: Timers = timersOn(systemClock)

/** For what lasts, within this process alone. */
export const steadyTimers: Timers = timersOn(steadyClock)

function timersOn(now: Clock): Timers {
  return {
    now,
    after(delayMs, wake) {
      const dueAt = now() + delayMs
      let timer: NodeJS.Timeout
      const sleep = (): void => {
        const leftMs = dueAt - now()
        timer = setTimeout(leftMs > LONGEST_DELAY_MS ? sleep : wake, Math.min(Math.max(leftMs, 0), LONGEST_DELAY_MS))
        timer.unref()
      }
      sleep()
      return () => clearTimeout(timer)
    },
  }
}
