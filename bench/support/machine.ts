import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'

/** Without these a number cannot be compared with another. */
export interface Machine {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Processes that wanted a core over the last minute, those of this run not yet counted. */
  readonly loadBefore: number
  readonly commit: string
}

export function describeMachine(): Machine {
  const processors = cpus()
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    loadBefore: loadavg()[0]!,
    commit: currentCommit(),
  }
}

/** `unknown` where there is no Git, as in an image; `+` where the files differ from the commit. */
function currentCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const isClean = git('status', '--porcelain', '--untracked-files=no', '--', ':/src') === ''
    return `${git('rev-parse', '--short', 'HEAD')}${isClean ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
