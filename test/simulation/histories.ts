import { Worker } from 'node:worker_threads'

export interface HistoriesReport {
  readonly histories: number
  /** Pushes that reached the provider. */
  readonly pushes: number
  readonly crashes: number
  /** Devices that had a message more than once, each noted as such. */
  readonly duplicates: number
  /** Histories in which something was that should never be, each with its seed: it happens again with that. */
  readonly failures: readonly { readonly seed: number; readonly faults: readonly string[] }[]
}

export interface HistoriesOptions {
  /** The first; the others follow it. */
  readonly seed: number
  readonly count: number
  readonly threads: number
  /** Told now and then how many are over. */
  readonly onProgress?: (histories: number) => void
}

/** Lives histories of their seeds, in threads. Ends early, when each thread has found a few failures. */
export async function runHistories({ seed, count, threads, onProgress }: HistoriesOptions): Promise<HistoriesReport> {
  const each = Math.ceil(count / threads)
  const done = Array.from({ length: threads }, () => 0)
  const reports = await Promise.all(
    done.map((_none, at) => {
      const part = { seed: seed + at * each, count: Math.max(0, Math.min(each, count - at * each)) }
      return inThread(part, (histories) => {
        done[at] = histories
        onProgress?.(done.reduce((total, one) => total + one, 0))
      })
    }),
  )
  const sum = (of: (report: HistoriesReport) => number): number => reports.reduce((total, one) => total + of(one), 0)
  return {
    histories: sum(({ histories }) => histories),
    pushes: sum(({ pushes }) => pushes),
    crashes: sum(({ crashes }) => crashes),
    duplicates: sum(({ duplicates }) => duplicates),
    failures: reports.flatMap(({ failures }) => failures),
  }
}

function inThread(
  part: { readonly seed: number; readonly count: number },
  onProgress: (histories: number) => void,
): Promise<HistoriesReport> {
  const thread = new Worker(new URL('./histories-thread.ts', import.meta.url), { workerData: part })
  return new Promise((resolve, reject) => {
    thread.on('error', reject)
    thread.on('exit', (code) => reject(new Error(`a thread ended with ${code} and without a report`)))
    thread.on('message', (message: number | HistoriesReport) => {
      if (typeof message === 'number') onProgress(message)
      else resolve(message)
    })
  })
}
