import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

export const ROOT = join(import.meta.dirname, '../..')

export interface StartedProgram extends AsyncDisposable {
  readonly pid: number
  /** Everything printed so far, by stream. */
  readonly output: { stdout: string; stderr: string }
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** The first line of standard output, earlier ones too, that matches; rejects with all output when the program ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  /** False when it has ended already. */
  signal(signal: NodeJS.Signals, whom?: 'program' | 'group'): boolean
}

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly uid?: number
  readonly gid?: number
}

/** Starts a program as the leader of a group of its own, as a terminal does. What is left of the group dies on disposal. */
export function startProgram([command = '', ...args]: readonly string[], options: ProgramOptions = {}): StartedProgram {
  const { env, ...rest } = options
  const child = spawn(command, args, {
    cwd: ROOT,
    ...rest,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} could not be started`)
  const output = { stdout: '', stderr: '' }
  const lines: string[] = []
  const waiting = new Set<(line: string) => void>()
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look(line)
  })
  const exited = whenExited(child)
  return {
    pid,
    output,
    exited,
    line: (pattern) => {
      const found = Promise.withResolvers<RegExpExecArray>()
      const look = (line: string): void => {
        const match = pattern.exec(line)
        if (match !== null) found.resolve(match)
      }
      lines.forEach(look)
      waiting.add(look)
      const ended = exited.then(({ code }) => {
        throw new Error(`ended with ${code} before it printed ${pattern}\n${output.stdout}\n${output.stderr}`)
      })
      return Promise.race([found.promise, ended])
    },
    signal: (signal, whom = 'program') => trySignal(whom === 'group' ? -pid : pid, signal),
    [Symbol.asyncDispose]: async () => {
      trySignal(-pid, 'SIGKILL')
      await exited
    },
  }
}

function whenExited(child: ChildProcess): StartedProgram['exited'] {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
}

export function trySignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie has ended: its parent has just not looked yet.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Processes of which a word of the command line holds `text`, whoever their parent is by now. */
export function processesNaming(text: string): number[] {
  return pids().filter((pid) => pid !== process.pid && read(`/proc/${pid}/cmdline`).includes(text) && isAlive(pid))
}

/** Processes that work in `folder`, as those of PostgreSQL do in their data folder. */
export function processesIn(folder: string): number[] {
  return pids().filter((pid) => workingFolder(pid) === folder && isAlive(pid))
}

/** The shell that stops a child process when its parent has died: the other member of the child's group. */
export function watcherOf(pid: number): number | undefined {
  return pids().find((other) => other !== pid && groupOf(other) === pid && read(`/proc/${other}/comm`).trim() === 'sh')
}

/** Waits for something that sends no word, such as the end of a process that is not our child. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`)
    await delay(20)
  }
}

export const isRoot = process.getuid?.() === 0
const NOBODY = { uid: 65_534, gid: 65_534 }

/**
 * How to run a program as an ordinary user. Root becomes `nobody` where nobody can read this checkout, and otherwise looks
 * like nobody in a user namespace; an ordinary user stays who he is.
 */
export function asOrdinaryUser(): { prefix: string[]; options: { uid?: number; gid?: number } } {
  if (!isRoot) return { prefix: [], options: {} }
  const canRead = spawnSync(process.execPath, ['--version'], { ...NOBODY, cwd: ROOT }).status === 0
  if (canRead) return { prefix: [], options: NOBODY }
  return { prefix: ['unshare', '-U', `--map-user=${NOBODY.uid}`, `--map-group=${NOBODY.gid}`], options: {} }
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
}

function groupOf(pid: number): number {
  // The name in parentheses may hold spaces: the group is the third field after it.
  return Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[2])
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
