import { fileURLToPath } from 'node:url'
import { startWatched } from '#src/processes/watched-process.ts'
import { venv } from '#test/interop/venv.ts'
import { freePort } from '#test/support/free-port.ts'

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))

export const FASTAPI = 'FastAPI + asyncpg + redis'

export interface FastapiPeer extends AsyncDisposable {
  readonly port: number
  readonly pid: number
}

/** One process of uvicorn with uvloop and httptools, no access log: how it is quickest. */
export async function fastapiPeer(settings: Readonly<Record<string, string>>): Promise<FastapiPeer> {
  const { command } = await venv('fastapi')
  const port = await freePort()
  const ready = Promise.withResolvers<void>()
  const lines: string[] = []
  const how = ['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--workers', '1']
  const child = startWatched({
    command: command('uvicorn'),
    args: ['fastapi_consumption:app', '--host', '127.0.0.1', '--port', String(port), ...how],
    env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', ...settings },
    cwd: FOLDER,
    stopSignals: ['SIGTERM'],
    graceMs: 5_000,
    onLine: (line) => {
      lines.push(line)
      if (line.includes('Uvicorn running on')) ready.resolve()
    },
  })
  void child.exited.then(() => ready.reject(new Error(`the peer ended at its start:\n${lines.join('\n')}`)))
  await ready.promise
  return { port, pid: child.pid, [Symbol.asyncDispose]: () => child.close() }
}
