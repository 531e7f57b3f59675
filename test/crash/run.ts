import { parseArgs } from 'node:util'
import { SERVER_VARIABLE, startTestServer } from '#test/support/postgres-server.ts'
import { realSystem } from '#test/support/real-system.ts'
import { type CrashReport, crashRuns } from './crash-runs.ts'

/** `npm run test:crash -- --runs N --seed S`: kill -9 under load, again and again, on the real engines. */

const SHOWN = 20

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '20' },
    },
  })
  const [runs, seed, perSecond] = [Number(values.runs), Number(values.seed), Number(values.rate)]
  const server = await startTestServer()
  process.env[SERVER_VARIABLE] = server.url
  try {
    await using system = await realSystem()
    const onKill = (run: number, name: string): void => say(`run ${run} of ${runs}: killed ${name}`)
    const report = await crashRuns(system, { runs, seed, perSecond, onKill })
    return tell(report, seed)
  } finally {
    await server.close()
  }
}

function tell(report: CrashReport, seed: number): number {
  const { accepted, promised, sent, lost, duplicated, unexplained, unexpected, kills, repeats } = report
  say(`seed ${seed}; kills: ${[...kills].map(([name, count]) => `${name} ${count}`).join(', ')}`)
  say(`accepted    ${accepted} notifications, ${promised} pushes (${repeats} requests had to be repeated)`)
  say(`sent        ${sent}`)
  say(`lost        ${lost.length}`)
  say(`duplicated  ${duplicated}, of which ${unexplained.length} without an unknown outcome before`)
  say(`unexpected  ${unexpected.length}`)
  for (const line of [...lost, ...unexplained, ...unexpected].slice(0, SHOWN)) say(`  ${line}`)
  return lost.length + unexplained.length + unexpected.length === 0 ? 0 : 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main(process.argv.slice(2))
