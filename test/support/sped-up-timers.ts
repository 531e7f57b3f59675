import type { Timers } from '#src/core/timers.ts'

/**
 * A clock that begins at `start` and runs `factor` times as fast as the real one, for what waits for minutes between
 * real engines' answers: a pause is never shorter than it should be, by this clock.
 */
export function spedUpTimers(start: string, factor: number): Timers {
  const begunAt = performance.now()
  const startMs = Date.parse(start)
  const now = (): number => startMs + (performance.now() - begunAt) * factor
  return {
    now,
    after(delayMs, wake) {
      const dueAt = now() + delayMs
      let timer: NodeJS.Timeout
      const sleep = (): void => {
        const leftMs = (dueAt - now()) / factor
        if (leftMs <= 0) wake()
        else timer = setTimeout(sleep, Math.ceil(leftMs))
      }
      timer = setTimeout(sleep, Math.ceil(delayMs / factor))
      return () => clearTimeout(timer)
    },
  }
}
