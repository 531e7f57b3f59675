import { setImmediate as nextTurn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { HistoriesReport } from './histories.ts'
import { runHistory } from './history.ts'

/** A thread of `runHistories`. */

const TELL_EVERY = 1_000
const MOST_FAILURES = 5

const { seed: first, count } = workerData as { seed: number; count: number }
const tell = parentPort?.postMessage.bind(parentPort)
const failures: HistoriesReport['failures'][number][] = []
let [histories, pushes, crashes, duplicates] = [0, 0, 0, 0]
for (let seed = first; seed < first + count && failures.length < MOST_FAILURES; seed += 1) {
  const report = await runHistory(seed)
  histories += 1
  pushes += report.pushes
  crashes += report.crashes
  duplicates += report.duplicates
  if (report.faults.length > 0) failures.push({ seed, faults: report.faults })
  if (histories % TELL_EVERY > 0) continue
  tell?.(histories)
  // Messages leave between turns of the event loop, which histories alone never end.
  await nextTurn()
}
tell?.({ histories, pushes, crashes, duplicates, failures } satisfies HistoriesReport)
