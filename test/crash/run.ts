import { parseArgs } from 'node:util'
import { type CrashReport, crashRuns } from './crash-runs.ts'
import { crashSystem } from './crash-system.ts'
import { faultOf } from './faults.ts'
import { liveHistories } from './live-histories.ts'
import { type LongReport, longRun } from './long-run.ts'

/**
 * `npm run test:crash`, on the real engines but for the last:
 *   --runs N --seed S [--rate R]     under load, one fault after the other
 *   --pushes N --kills K [--seed S]  large audiences, and kill -9 spread over them
 *   --histories N [--seed S]         the sending core in virtual time
 */

const SHOWN = 20

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '12' },
      pushes: { type: 'string' },
      kills: { type: 'string', default: '10' },
      histories: { type: 'string' },
    },
  })
  const [seed, perSecond] = [Number(values.seed), Number(values.rate)]
  if (values.histories !== undefined) return liveHistories(Number(values.histories), seed, say)
  if (values.pushes !== undefined)
    return tellLong(await longRun(Number(values.pushes), Number(values.kills), seed, say))
  const runs = Number(values.runs)
  const faults = Array.from({ length: runs }, (_, index) => faultOf(seed, index + 1))
  await using crash = await crashSystem()
  const onFault = (run: number, words: string): void =>
    say(`${new Date().toISOString()} run ${run} of ${runs}: ${words}`)
  const isGood = tell(await crashRuns(crash, { faults, seed, perSecond, onFault }))
  if (!isGood) say(`again: npm run test:crash -- --runs ${runs} --seed ${seed} --rate ${perSecond}`)
  return isGood ? 0 : 1
}

function tell(report: CrashReport): boolean {
  const { accepted, promised, sent, lost, duplicated, unexplained, unexpected, underWay, repeats } = report
  say(`accepted     ${accepted} notifications, ${promised} pushes (${repeats} requests had to be repeated)`)
  say(`sent         ${sent}`)
  say(`lost         ${lost.length}`)
  say(`duplicated   ${duplicated} (${underWay} pushes were under way at the faults)`)
  say(`unexplained  ${unexplained.length}`)
  say(`unexpected   ${unexpected.length}`)
  for (const line of [...lost.map((key) => `lost: ${key}`), ...unexplained, ...unexpected].slice(0, SHOWN))
    say(`  ${line}`)
  return lost.length + unexplained.length + unexpected.length === 0
}

function tellLong({ promised, distinct, duplicated, marked, problems, seconds }: LongReport): number {
  say(`sent         ${distinct} of ${promised} pushes in ${Math.round(seconds)} s`)
  say(`lost         ${promised - distinct}`)
  say(`duplicated   ${duplicated} (${((100 * duplicated) / promised).toFixed(4)} %), ${marked} are noted as perhaps so`)
  for (const problem of problems) say(`  ${problem}`)
  return problems.length === 0 ? 0 : 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main(process.argv.slice(2))
