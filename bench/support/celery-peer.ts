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
    startWorker: (queues, processes) => startWorker(command, env, queues, processes),
  }
}

function environment({ brokerUrl, redisUrl }: TaskEngines) {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    BROKER_URL: `${brokerUrl}//`,
    RESULT_URL: redisUrl,
    PYTHONPATH: FOLDER,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    C_FORCE_ROOT: '1',
  }
}

async function startWorker(
  command: Venv['command'],
  env: ReturnType<typeof environment>,
  queues: string,
  processes: number,
): Promise<PeerWorker> {
  const ready = Promise.withResolvers<void>()
  const lines: string[] = []
  const args = ['-A', 'celery_peer', 'worker', '-l', 'WARNING', '-c', String(processes), '-Q', queues, '-n', 'peer@%h']
  const child = startWatched({
    command: command('celery'),
    args,
    env,
    cwd: FOLDER,
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
