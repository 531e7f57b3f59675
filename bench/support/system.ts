import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWatched } from '#src/processes/watched-process.ts'
import { runningDatabaseUrl } from '#src/roles/embedded/home.ts'
import { freePort } from '#test/support/free-port.ts'

/** The whole system as `npm start` runs it, on a port and in a folder of its own. */
export interface SystemUnderTest extends AsyncDisposable {
  readonly port: number
  /** The process of API and workers; engine and simulators are its children. */
  readonly pid: number
  readonly databaseUrl: string
  readonly jwtSecret: string
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const READY = /^SamaConso ready on http:\/\/127\.0\.0\.1:(\d+)$/
const STOP_LIMIT_MS = 12_000

export async function startSystem(): Promise<SystemUnderTest> {
  const home = await mkdtemp(join(tmpdir(), 'samaconso-bench-'))
  const jwtSecret = randomBytes(32).toString('base64url')
  const ready = Promise.withResolvers<number>()
  const log: string[] = []
  const child = startWatched({
    command: process.execPath,
    args: [MAIN, 'embedded'],
    // The log level is left as users have it: what is logged is part of what is measured.
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: String(await freePort()),
      SAMACONSO_HOME: home,
      JWT_SECRET: jwtSecret,
    },
    stopSignals: ['SIGTERM'],
    graceMs: STOP_LIMIT_MS,
    onLine: (line, stream) => {
      const [, port] = READY.exec(line) ?? []
      if (port !== undefined) ready.resolve(Number(port))
      if (stream === 'stderr') log.push(line)
    },
  })
  const close = async (): Promise<void> => {
    await child.close()
    await rm(home, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void close().finally(() => process.exit(2)))
  }
  void child.exited.then(() => ready.reject(new Error(`the system ended at its start:\n${log.join('\n')}`)))
  try {
    const port = await ready.promise
    const databaseUrl = await runningDatabaseUrl(home)
    if (databaseUrl === undefined) throw new Error('the system does not tell the address of its database')
    return { port, pid: child.pid, databaseUrl, jwtSecret, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
