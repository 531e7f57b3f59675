import type { Timers } from '#src/core/timers.ts'

const AGAIN_AFTER_MS = 500

/**
 * As long as our lease lasts a database that is away for a moment costs nothing; after it the outcomes would be unknown.
 * `record` must do no harm when it is repeated. Throws what it threw last.
 */
export async function recordFirmly<T>(
  record: () => Promise<T>,
  {
    timers,
    leasedUntilMs,
    signal,
  }: { readonly timers: Timers; readonly leasedUntilMs: number; readonly signal: AbortSignal },
): Promise<T> {
  for (;;) {
    try {
      return await record()
    } catch (error) {
      if (signal.aborted || timers.now() + AGAIN_AFTER_MS >= leasedUntilMs) throw error
      await new Promise<void>((resolve) => void timers.after(AGAIN_AFTER_MS, resolve))
    }
  }
}
