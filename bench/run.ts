/** `npm run bench [-- NAME …]`: runs the benchmarks one after the other, each in a process of its own. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const USAGE = `Usage: npm run bench [-- NAME …]

Each prints its tables with the peer and the limit beside, and keeps them in bench/results. The exit code is 1 when a
limit is missed. There are:`

/** One file, one question. */
function benchmarkNames(): string[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  return files.map((file) => file.replace(/\.ts$/, '')).toSorted()
}

/** Resolves to its exit code: 0, 1 for a missed limit or a failure, more when it was stopped. */
function runOne(name: string): Promise<number> {
  const script = join(import.meta.dirname, `${name}.ts`)
  const child = spawn(process.execPath, [script], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both; a SIGTERM comes here alone. The benchmark cleans up, and is waited for.
  const wait = (): void => {}
  const forward = (): void => void child.kill('SIGTERM')
  process.on('SIGINT', wait).on('SIGTERM', forward)
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      process.off('SIGINT', wait).off('SIGTERM', forward)
      resolve(code ?? 2)
    })
  })
}

async function main(names: readonly string[]): Promise<number> {
  const known = benchmarkNames()
  const list = known.map((name) => `  ${name}`).join('\n')
  if (names.includes('--help')) {
    process.stdout.write(`${USAGE}\n${list}\n`)
    return 0
  }
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`there is no benchmark ${unknown.join(', ')}; there are:\n${list}\n`)
    return 1
  }
  let worst = 0
  for (const name of names.length > 0 ? names : known) {
    worst = Math.max(worst, await runOne(name))
    if (worst > 1) break
  }
  return worst
}

process.exitCode = await main(process.argv.slice(2))
