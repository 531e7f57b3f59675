import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '#src/core/errors.ts'
import type { Screen } from './screens.ts'
import type { Watched } from './progress-frame.ts'

export interface Watching {
  /** Undefined: there is no such notification. */
  readonly read: () => Promise<Watched | undefined>
  readonly screen: Screen
  readonly everyMs: number
  readonly signal: AbortSignal
}

export type WatchEnd = 'done' | 'cancelled' | 'unknown' | 'stopped'

/**
 * Shows how far a notification is until it has ended or `signal` is given. A database that does not answer the first
 * time throws; one that goes away later is waited for.
 */
export async function watch({ read, screen, everyMs, signal }: Watching): Promise<WatchEnd> {
  let isShown = false
  while (!signal.aborted) {
    try {
      const status = await read()
      if (status === undefined) return 'unknown'
      screen.show(status)
      isShown = true
      if (status.state === 'done' || status.state === 'cancelled') return status.state
    } catch (error) {
      if (!isShown || !(error instanceof AppError) || error.kind !== 'unavailable') throw error
      screen.tell(error.text.en)
    }
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
  return 'stopped'
}
