import type { ResultStore } from '#src/ports/result-store.ts'
import { type Timers, systemTimers } from '#src/core/timers.ts'
import { decodeResult, isFinal, type ResultRecord } from './result-text.ts'

/** The task is not done in time; it may yet be. */
export class ResultTimeout extends Error {
  override readonly name = 'ResultTimeout'
}

/**
 * The outcome of a task, once it is for good: success, failure or revoked. Start to wait before the task is sent and
 * nothing is missed; afterwards is as good, while its result lives.
 *
 * @throws ResultTimeout
 * @throws ResultStoreUnavailable when the store cannot be watched
 * @throws the signal's reason
 */
export async function waitForResult(
  results: Pick<ResultStore, 'watch'>,
  taskId: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly timers?: Timers },
): Promise<ResultRecord> {
  const { timeoutMs, signal, timers = systemTimers } = options
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<ResultRecord>()
  const aborted = (): void => reject(signal?.reason)
  const stopTimer = timers.after(timeoutMs, () => reject(new ResultTimeout(`task ${taskId}: ${timeoutMs} ms are over`)))
  signal?.addEventListener('abort', aborted, { once: true })
  const watching = results.watch(taskId, (text) => {
    const record = decodeResult(text)
    if (record !== undefined && isFinal(record.status)) resolve(record)
  })
  watching.catch(reject)
  try {
    return await promise
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', aborted)
    // One that could not begin has nothing to end, and one that ends badly has ended.
    void watching.then(async (watch) => watch[Symbol.asyncDispose]()).catch(() => {})
  }
}
