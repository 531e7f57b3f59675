import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sendSignal } from '#src/processes/watched-process.ts'

/**
 * Stops what an earlier, killed run left working in `dataDir`, and removes its pid file. The caller holds the folder's lock, so
 * that nothing found here belongs to a live program. Processes are recognised by what they are and where they work:
 * a pid file alone may name a stranger who got the number since.
 * @returns how many processes had to be stopped
 */
export async function stopLeftover(dataDir: string): Promise<number> {
  const found = processesIn(dataDir)
  const postmaster = found.find((pid) => pid === pidInFile(dataDir))
  if (found.length > 0) {
    // Orphaned backends end by themselves within a moment of their postmaster's death, if they are not deep in a query.
    if (postmaster !== undefined) sendSignal(postmaster, 'SIGINT')
    if (!(await areGone(dataDir, 5000))) {
      for (const pid of processesIn(dataDir)) sendSignal(pid, 'SIGQUIT')
      if (!(await areGone(dataDir, 2000))) for (const pid of processesIn(dataDir)) sendSignal(pid, 'SIGKILL')
      await areGone(dataDir, 2000)
    }
  }
  rmSync(join(dataDir, 'postmaster.pid'), { force: true })
  return found.length
}

function pidInFile(dataDir: string): number | undefined {
  try {
    return Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  } catch {
    return undefined
  }
}

/** Processes that are not our children send no word of their end: it has to be looked for. */
async function areGone(dataDir: string, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs
  while (processesIn(dataDir).length > 0) {
    if (performance.now() > until) return false
    await delay(50)
  }
  return true
}

/** Every process of PostgreSQL changes into its data folder and stays there. */
function processesIn(dataDir: string): number[] {
  const folder = realpathSync(dataDir)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => readLink(`/proc/${pid}/cwd`) === folder && isPostgres(readLink(`/proc/${pid}/exe`)))
    .map(Number)
}

function isPostgres(executable: string | undefined): boolean {
  return executable !== undefined && ['postgres', 'postgres (deleted)'].includes(basename(executable))
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
