import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '#test/support/processes.ts'

const run = promisify(execFile)
const CACHE = join(ROOT, 'node_modules/.cache/bench')

/**
 * Installs a peer of bench/peers as its lockfile says, once per lockfile, out of the way of the project's own packages.
 * Returns the folder whose node_modules has it.
 */
export async function peerPackages(peer: string): Promise<string> {
  const files = ['package.json', 'package-lock.json'].map((name) => join(ROOT, 'bench/peers', peer, name))
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  const folder = join(CACHE, `${peer}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  await mkdir(CACHE, { recursive: true })
  const aside = await mkdtemp(`${folder}.`)
  try {
    for (const file of files) await copyFile(file, join(aside, file.slice(file.lastIndexOf('/') + 1)))
    const how = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['ci', ...how], { cwd: aside })
    // Half an install never gets the name that is looked for.
    await rename(aside, folder)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return folder
}
