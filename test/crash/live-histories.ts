import { availableParallelism } from 'node:os'
import { runHistories } from '#test/simulation/histories.ts'

const MOST_THREADS = 8
const TELL_EVERY_MS = 10_000

/** Lives so many histories of the sending core, on all cores, and tells what was found. @returns the exit code */
export async function liveHistories(count: number, seed: number, say: (line: string) => void): Promise<number> {
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1_000
  let toldAt = startedAt
  const onProgress = (histories: number): void => {
    if (performance.now() < toldAt + TELL_EVERY_MS) return
    toldAt = performance.now()
    say(`${histories} of ${count}`)
  }
  const threads = Math.min(MOST_THREADS, availableParallelism(), count)
  const report = await runHistories({ seed, count, threads, onProgress })
  const { histories, pushes, crashes, duplicates, failures } = report
  say(`histories    ${histories} in ${Math.round(seconds())} s, ${Math.round(histories / seconds())} a second`)
  say(`pushes       ${pushes}`)
  say(`crashes      ${crashes}`)
  say(`duplicates   ${duplicates}, each noted as such`)
  say(`failures     ${failures.length}`)
  for (const { seed: failed, faults } of failures) {
    say(`  ${faults.join('; ')}`)
    say(`  again: npm run test:crash -- --histories 1 --seed ${failed}`)
  }
  return failures.length === 0 ? 0 : 1
}
