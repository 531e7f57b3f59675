import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ROOT } from '#test/support/processes.ts'

const NOT_COPIED = new Set(['.git', 'node_modules', '.samaconso'])

export interface FreshCopy extends Disposable {
  readonly path: string
  /** For SAMACONSO_HOME; not made yet. */
  readonly home: string
}

/**
 * The program's files in a folder that only its owner can enter, as after `git clone` into one. The packages are hard links to
 * ours: what an install there would remove is its own.
 */
export function freshCopy({ withPackages }: { withPackages: boolean }): FreshCopy {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'samaconso-copy-')))
  const path = join(folder, 'samaconso')
  mkdirSync(path)
  for (const entry of readdirSync(ROOT)) {
    if (!NOT_COPIED.has(entry))
      cpSync(join(ROOT, entry), join(path, entry), { recursive: true, preserveTimestamps: true })
  }
  if (withPackages && !copied('-al', path) && !copied('-a', path)) throw new Error(`${path}: no room for the packages`)
  return { path, home: join(folder, 'home'), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function copied(how: string, path: string): boolean {
  return spawnSync('cp', [how, join(ROOT, 'node_modules'), path], { stdio: 'ignore' }).status === 0
}

/** The environment of somebody at a terminal: nothing that npm or the test runner has put into ours. */
export function terminalEnvironment(settings: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const ours = Object.keys(process.env).filter((name) => /^(npm_|NODE_|INIT_CWD)/i.test(name))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules/.bin'))
  return { ...Object.fromEntries(ours.map((name) => [name, undefined])), PATH: path.join(delimiter), ...settings }
}
