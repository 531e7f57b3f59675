import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { type WatchedProcess, type WatchedProcessOptions, startWatched } from '#src/processes/watched-process.ts'

/** Where Debian puts servers; an ordinary user's PATH lacks the first. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin', '/sbin', '/bin']
/** What a spawned engine gets of an environment, beside its own settings. */
export const ENGINE_PATH = FOLDERS.join(':')

/** The full path of a program. @throws Error that says which Debian package brings it */
export function engineProgram(program: string, debianPackage: string): string {
  const path = FOLDERS.map((folder) => join(folder, program)).find(isExecutable)
  if (path !== undefined) return path
  throw new Error(`${program} is not here: apt-get install --no-install-recommends ${debianPackage}`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const START_LIMIT_MS = 60_000
/** The last ones, which say why an engine gave up. */
const OUTPUT_KEPT_LINES = 60

export interface EngineStart extends Omit<WatchedProcessOptions, 'onLine' | 'stopSignals'> {
  readonly name: string
  /** The line that says it takes connections. */
  readonly readyLine: RegExp
}

/** Starts an engine that ends with this process, however that ends. Resolves when it is ready; an early end shows what it printed. */
export async function startEngine({ name, readyLine, ...options }: EngineStart): Promise<WatchedProcess> {
  const output: string[] = []
  const ready = Promise.withResolvers<'ready'>()
  const child = startWatched({
    ...options,
    stopSignals: ['SIGTERM'],
    onLine: (line) => {
      output.push(line)
      if (output.length > OUTPUT_KEPT_LINES) output.shift()
      if (readyLine.test(line)) ready.resolve('ready')
    },
  })
  const limit = setTimeout(() => void child.close(), START_LIMIT_MS)
  const outcome = await Promise.race([ready.promise, child.exited])
  clearTimeout(limit)
  if (outcome === 'ready') return child
  throw new Error(`${name} did not start: ${JSON.stringify(outcome)}\n${output.join('\n')}`)
}
