import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Closeable } from '#src/core/lifecycle.ts'

export interface WatchedProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment of the child. Nothing of ours leaks in unless it is listed here. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Another user to run as; only root may ask for it. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** File descriptors of ours that the child finds as 4, 5, … */
  readonly passDescriptors?: readonly number[]
  /** Signals of a stop, mildest first; each but the last is given `graceMs` to work. SIGKILL to the group follows by itself. */
  readonly stopSignals: readonly NodeJS.Signals[]
  readonly graceMs: number
  /** Each line the child prints, without its end. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * A child in a session and process group of its own, so that a Ctrl-C meant for us does not reach it first, and
 * which ends when we end, even by kill -9.
 */
export interface WatchedProcess extends Closeable {
  readonly pid: number
  /** Resolves, and never rejects, once the child has ended and its output has been read. */
  readonly exited: Promise<ProcessExit>
}

/**
 * Descriptor 3 is a pipe of which we hold the other end: the kernel closes it when we die, however we die, and `read` returns.
 * The watcher then stops the child, which has this shell's own id as `exec` keeps it. Being a member of the child's group,
 * the watcher keeps that id from being given to a stranger. It is forked twice because PostgreSQL takes the death of an
 * unknown child of its own for a crashed backend.
 */
const WATCHER = `
child=$$ grace_s=$1 signals=$2
shift 2
( (
  trap '' HUP INT QUIT TERM
  exec </dev/null >/dev/null 2>&1
  read -r _ <&3
  for signal in $signals; do
    kill -s "$signal" "$child" || exit 0
    waited=0
    while [ "$waited" -lt "$((grace_s * 10))" ]; do
      kill -0 "$child" || exit 0
      sleep 0.1
      waited=$((waited + 1))
    done
  done
  kill -s KILL -- "-$child"
) & )
exec 3<&-
exec "$@"
`

/** Starts `command`. A command that cannot be run shows as exit code 126 or 127 with a line on stderr. */
export function startWatched(options: WatchedProcessOptions): WatchedProcess {
  const signals = options.stopSignals.map((signal) => signal.replace('SIG', '')).join(' ')
  const graceSeconds = String(Math.max(1, Math.ceil(options.graceMs / 1000)))
  const child = spawn('/bin/sh', ['-c', WATCHER, 'watcher', graceSeconds, signals, options.command, ...options.args], {
    detached: true,
    env: options.env as NodeJS.ProcessEnv,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(options.passDescriptors ?? [])],
  })
  const { pid } = child
  if (pid === undefined) throw new Error('no shell at /bin/sh: it is needed to start and watch child processes')
  const exited = settled(child, options.onLine)
  let closing: Promise<void> | undefined
  return {
    pid,
    exited,
    close: () => (closing ??= stop(pid, exited, options.stopSignals, options.graceMs)),
  }
}

function settled(child: ChildProcess, onLine: WatchedProcessOptions['onLine']): Promise<ProcessExit> {
  const lifeline = child.stdio[3]
  lifeline?.on('error', () => {})
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = child[stream]
    if (input === null) continue
    if (onLine === undefined) input.resume()
    else createInterface({ input }).on('line', (line) => onLine(line, stream))
  }
  return new Promise((resolve) => {
    child.on('error', () => resolve({ code: 127, signal: null }))
    // A grandchild may keep the output open long after the child is gone: what it still says is not waited for.
    child.on('exit', (code, signal) => {
      // Lets the watcher go. Until it has, Node sees a pipe of the child still open and holds back 'close'.
      lifeline?.destroy()
      const lateOutput = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, 1000)
      child.on('close', () => {
        clearTimeout(lateOutput)
        resolve({ code, signal })
      })
    })
  })
}

async function stop(
  pid: number,
  exited: Promise<ProcessExit>,
  signals: readonly NodeJS.Signals[],
  graceMs: number,
): Promise<void> {
  for (const signal of signals) {
    if (!sendSignal(pid, signal) || (await endsWithin(exited, graceMs))) break
  }
  sendSignal(-pid, 'SIGKILL')
  await exited
}

/** Resolves true when `exited` does within `limitMs`. */
export async function endsWithin(exited: Promise<unknown>, limitMs: number): Promise<boolean> {
  const limit = Promise.withResolvers<false>()
  const timer = setTimeout(() => limit.resolve(false), limitMs)
  try {
    return await Promise.race([exited.then(() => true as const), limit.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** False when there is no such process or group any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
