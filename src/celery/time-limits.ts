import type { Timers } from '#src/core/timers.ts'
import { SoftTimeLimitExceeded, TimeLimitExceeded } from './outcome.ts'

export interface TimeLimits {
  readonly softMs: number | undefined
  readonly hardMs: number | undefined
}

/**
 * - `returned`, `threw`: the handler's own end. `told` is why its signal was aborted, if it was.
 * - `left`: it did not end in time, and was left alone.
 */
export type Run =
  | { readonly how: 'returned'; readonly result: unknown }
  | { readonly how: 'threw'; readonly error: unknown; readonly told: unknown }
  | { readonly how: 'left'; readonly told: unknown }

export interface Stops {
  /** The handler is told to give up, and may take its time. */
  readonly stopping: AbortSignal
  /** Nobody waits for it any longer. */
  readonly abandon: AbortSignal
  /** The handler is told, and left alone after the grace. */
  readonly terminate: AbortSignal
  readonly graceMs: number
}

/**
 * Runs a handler under its limits. At the soft one its signal is aborted and it may still end by itself; at the hard
 * one nobody waits for it any longer. `stopping` aborts it likewise; `abandon` is the end of that patience.
 */
export async function runWithin(
  limits: TimeLimits,
  timers: Timers,
  stops: Stops,
  run: (signal: AbortSignal) => Promise<unknown>,
): Promise<Run> {
  const told = new AbortController()
  const left = Promise.withResolvers<Run>()
  const leave = (reason: unknown): void => {
    told.abort(reason)
    left.resolve({ how: 'left', told: reason })
  }
  const terminate = (reason: unknown): void => {
    told.abort(reason)
    cleanUp.push(startTimer(timers, stops.graceMs, () => leave(reason)))
  }
  const cleanUp: (() => void)[] = []
  cleanUp.push(
    startTimer(timers, limits.softMs, (ms) => told.abort(new SoftTimeLimitExceeded(`${ms} ms are over`))),
    startTimer(timers, limits.hardMs, (ms) => leave(new TimeLimitExceeded(ms))),
    onAbort(stops.stopping, (reason) => told.abort(reason)),
    onAbort(stops.abandon, leave),
    onAbort(stops.terminate, terminate),
  )
  try {
    return await Promise.race([left.promise, ended(run, told.signal)])
  } finally {
    for (const clean of cleanUp) clean()
  }
}

async function ended(run: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<Run> {
  try {
    return { how: 'returned', result: await run(signal) }
  } catch (error) {
    return { how: 'threw', error, told: signal.aborted ? signal.reason : undefined }
  }
}

function startTimer(timers: Timers, ms: number | undefined, passed: (ms: number) => void): () => void {
  return ms === undefined ? () => {} : timers.after(ms, () => passed(ms))
}

function onAbort(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
  const listener = (): void => aborted(signal.reason)
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
