import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '#test/support/processes.ts'

const run = promisify(execFile)

/** Names a file of `requirements/`. All but the newest name every package with its version and are installed as they are. */
export type Requirements =
  | 'celery-5.6.3'
  | 'celery-push'
  | 'celery-5.2.6'
  | 'fastapi'
  | 'flower-2.0.1'
  | 'flower-2.1.0'
  | 'tsql'
  | 'newest'

const PARENT = join(ROOT, 'node_modules/.cache/interop')
const PYTHON = 'python3'

export interface Venv {
  /** The interpreter. */
  readonly python: string
  /** A command that a package installed, such as `celery`. */
  readonly command: (name: string) => string
}

/**
 * A virtual environment with these packages: made once per checkout, and found again by what is in it.
 *
 * @throws Error that says what to install when Python cannot make one
 */
export async function venv(requirements: Requirements): Promise<Venv> {
  const folder = join(PARENT, `${requirements}-${await keyOf(requirements)}`)
  if (!existsSync(join(folder, 'complete'))) await make(folder, requirements)
  return { python: join(folder, 'bin', 'python'), command: (name) => join(folder, 'bin', name) }
}

/** Other packages or another Python are another environment, and so is another day for what is to be the newest. */
async function keyOf(requirements: Requirements): Promise<string> {
  const parts = [await pythonVersion(), wholeText(`${requirements}.txt`), PARENT]
  if (requirements === 'newest') parts.push(new Date().toISOString().slice(0, 10))
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)
}

function wholeText(file: string): string {
  const text = readFileSync(fileOf(file), 'utf8')
  const included = text.matchAll(/^-r (.+)$/gm).map(([, name = '']) => wholeText(name))
  return [text, ...included].join('\n')
}

function fileOf(name: string): string {
  return join(import.meta.dirname, 'requirements', name)
}

async function pythonVersion(): Promise<string> {
  try {
    const { stdout } = await run(PYTHON, ['-c', 'import sys, venv, ensurepip; print(sys.version)'])
    return stdout
  } catch (error) {
    throw new Error('Python cannot make virtual environments here; as root: apt-get install python3 python3-venv', {
      cause: error,
    })
  }
}

/** Scripts name their interpreter by its whole path, so that it is made where it stays; the mark comes last. */
async function make(folder: string, requirements: Requirements): Promise<void> {
  await mkdir(PARENT, { recursive: true })
  const lock = `${folder}.lock`
  // Another test file may be making it: a rename onto a folder that is there fails.
  const own = await mkdtemp(`${folder}.`)
  await writeFile(join(own, 'pid'), String(process.pid))
  try {
    await rename(own, lock)
  } catch {
    await rm(own, { recursive: true, force: true })
    return await whenComplete(folder, lock)
  }
  try {
    // Made between the look and the lock: others work in it by now.
    if (existsSync(join(folder, 'complete'))) return
    await rm(folder, { recursive: true, force: true })
    await run(PYTHON, ['-m', 'venv', folder])
    const exactly = requirements === 'newest' ? [] : ['--no-deps']
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...exactly]
    await run(join(folder, 'bin', 'python'), [...pip, '-r', fileOf(`${requirements}.txt`)])
    await writeFile(join(folder, 'complete'), '')
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

/** The maker has ended, well or not; one that was killed leaves its lock behind. */
async function whenComplete(folder: string, lock: string): Promise<void> {
  while (existsSync(lock)) {
    const pid = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => String(process.pid)))
    if (!isAlive(pid)) await rm(lock, { recursive: true, force: true })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  if (!existsSync(join(folder, 'complete'))) throw new Error(`${folder} could not be made: try again`)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
