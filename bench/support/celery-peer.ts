import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startWatched } from '#src/processes/watched-process.ts'
import { type Venv, venv } from '#test/interop/venv.ts'
import type { TaskEngines } from './task-engines.ts'

const FOLDER = fileURLToPath(new URL('../spawned/', import.meta.url))
/** Long enough to finish what it has. */
const STOP_LIMIT_MS = 10_000
const run = promisify(execFile)

export const CELERY = 'Celery 5.6.3'

/** Python's Celery with its own defaults. */
export interface CeleryPeer {
  /** Sends so many no-op tasks and resolves with how long that took (ms), without the start of Python. */
  send(count: number, mode: 'confirm' | 'no-confirm'): Promise<number>
  /** A prefork worker; resolves when it is ready. */
  startWorker(queues: string, processes: number): Promise<PeerWorker>
}

export interface PeerWorker extends AsyncDisposable {
  readonly pid: number
}

export async function celeryPeer(engines: TaskEngines): Promise<CeleryPeer> {
  const { python, command } = await venv('celery-5.6.3')
  const env = environment(engines)
  return {
    async send(count, mode) {
      const { stdout } = await run(python, ['celery_peer.py', String(count), mode], { cwd: FOLDER, env })
      return Number(stdout) * 1_000
    },
    startWorker: (queues, processes) =>
      startPeerWorker({ command, app: 'celery_peer', folder: FOLDER, queues, processes, env }),
  }
}

function environment({ brokerUrl, redisUrl }: TaskEngines) {
  return { BROKER_URL: `${brokerUrl}//`, RESULT_URL: redisUrl, ...pythonEnvironment(FOLDER) }
}

const pythonEnvironment = (folder: string) => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  PYTHONPATH: folder,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUNBUFFERED: '1',
  C_FORCE_ROOT: '1',
})

export interface PeerWorkerOrder {
  readonly command: Venv['command']
  /** The module of `folder` that has the Celery application, and prints `peer ready` when its worker is. */
  readonly app: string
  readonly folder: string
  readonly queues: string
  readonly processes: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A prefork worker; resolves when it is ready. */
export async function startPeerWorker(order: PeerWorkerOrder): Promise<PeerWorker> {
  const { command, app, folder, queues, processes, env } = order
  const ready = Promise.withResolvers<void>()
  const lines: string[] = []
  const args = ['-A', app, 'worker', '-l', 'WARNING', '-c', String(processes), '-Q', queues, '-n', 'peer@%h']
  const child = startWatched({
    command: command('celery'),
    args,
    env: { ...pythonEnvironment(folder), ...env },
    cwd: folder,
    stopSignals: ['SIGTERM'],
    graceMs: STOP_LIMIT_MS,
    onLine: (line) => {
      lines.push(line)
      if (line === 'peer ready') ready.resolve()
    },
  })
  void child.exited.then(() => ready.reject(new Error(`Celery's worker ended at its start:\n${lines.join('\n')}`)))
  await ready.promise
  return { pid: child.pid, [Symbol.asyncDispose]: () => child.close() }
}
