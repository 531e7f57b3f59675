import { createServer } from 'node:net'
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Closeable, CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { FolderInUse, lockFolder } from '#src/processes/folder-lock.ts'
import { type ProcessExit, startWatched, type WatchedProcess } from '#src/processes/watched-process.ts'
import { findBinaries } from './binaries.ts'
import { createDatabase, hasDatabase, prepareParent } from './data-folder.ts'
import { chooseEngineUser, ENGINE_ENV, type EngineUser } from './engine-user.ts'
import { explainFailure, explainFileError, PostgresEngineError } from './errors.ts'
import { stopLeftover } from './leftover.ts'
import { settingArguments } from './settings.ts'

export interface PostgresOptions {
  /** Made at the first start, with its parents. */
  readonly dataDir: string
  /** Also listen on a Unix socket in this folder. */
  readonly socketDir?: string
  /** On 127.0.0.1; 0 or nothing takes a free one. */
  readonly port?: number
  readonly superuser: string
  /** Set at the first start; later starts need the same one. */
  readonly password: string
  /** Settings of postgresql.conf that win over ours. */
  readonly settings?: Readonly<Record<string, string>>
  readonly log: Logger
}

export interface Postgres extends Closeable {
  /** `postgresql://…` of the superuser for a database of this server. */
  url(database: string): string
  readonly port: number
  readonly pid: number
  /** Resolves when the server has ended, asked for or not. */
  readonly exited: Promise<ProcessExit>
}

/** Recovery after a crash replays at most `max_wal_size` of log: well below this. */
const START_LIMIT_MS = 60_000
const FREE_PORT_ATTEMPTS = 5
/** What PostgreSQL says of every session that a stop finds open. */
const ENDED_BY_STOP = 'terminating connection due to administrator command'

/**
 * Starts the PostgreSQL that came with the program, on 127.0.0.1 alone, making its data folder where there is none.
 * It ends with this process, however that ends.
 * @throws PostgresEngineError one sentence for whoever started the program
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir)
  const opened = new CloseStack(options.log)
  try {
    const binaries = findBinaries()
    prepareParent(dataDir)
    const isThere = hasDatabase(dataDir)
    opened.add('lock of the database folder', await lockOrExplain(dataDir))
    const as = chooseEngineUser(binaries, dataDir)
    if (isThere) {
      const stopped = await stopLeftover(dataDir)
      if (stopped > 0) options.log.warn({ processes: stopped }, 'stopped the database of a run that was killed')
    } else await createDatabase(dataDir, as, options)
    const { child, port } = await startServer(dataDir, as, options)
    opened.add('postgres', child)
    void child.exited.then(() => opened.close())
    const { superuser, password } = options
    const login = `${encodeURIComponent(superuser)}:${encodeURIComponent(password)}`
    return {
      url: (database) => `postgresql://${login}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
      port,
      pid: child.pid,
      exited: child.exited,
      close: () => opened.close(),
    }
  } catch (error) {
    await opened.close()
    throw error instanceof PostgresEngineError ? error : explainFileError(error, dataDir)
  }
}

/** The lock is on the parent, which is there before the first start and stays when the data folder is moved into place. */
async function lockOrExplain(dataDir: string): Promise<Closeable> {
  try {
    return await lockFolder(dirname(dataDir), `postgres ${dataDir.slice(dirname(dataDir).length)}`)
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error
    const by = error.pid === undefined ? 'another process' : `process ${error.pid}`
    throw new PostgresEngineError('in_use', `The database in ${dataDir} is in use by ${by}`, { cause: error })
  }
}

async function startServer(
  dataDir: string,
  as: EngineUser,
  options: PostgresOptions,
): Promise<{ child: WatchedProcess; port: number }> {
  const wanted = options.port ?? 0
  if (options.socketDir !== undefined) mkdirSync(options.socketDir, { recursive: true, mode: 0o700 })
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted === 0 ? await freePort() : wanted
    try {
      return { child: await startOn(port, dataDir, as, options), port }
    } catch (error) {
      const isTaken = error instanceof PostgresEngineError && error.reason === 'port_taken'
      if (!isTaken || wanted !== 0 || attempt === FREE_PORT_ATTEMPTS) throw error
    }
  }
}

async function startOn(
  port: number,
  dataDir: string,
  as: EngineUser,
  options: PostgresOptions,
): Promise<WatchedProcess> {
  const { log, socketDir, settings = {} } = options
  const output: string[] = []
  const ready = Promise.withResolvers<'ready'>()
  const program = join(as.binaries, 'bin', 'postgres')
  const [command = program, ...args] = [
    ...as.prefix,
    program,
    '-D',
    dataDir,
    ...settingArguments({ port, socketDir, settings }),
  ]
  const child = startWatched({
    command,
    args,
    env: ENGINE_ENV,
    cwd: '/',
    ...(as.user === undefined ? {} : { user: as.user }),
    // SIGINT ends sessions and writes a checkpoint; SIGQUIT leaves that to the recovery at the next start.
    stopSignals: ['SIGINT', 'SIGQUIT'],
    graceMs: 4000,
    onLine: (line) => {
      if (output.length < 200) output.push(line)
      if (line.includes('database system is ready to accept connections')) ready.resolve('ready')
      const isBad = /^(FATAL|PANIC):/.test(line) && !line.includes(ENDED_BY_STOP)
      log[isBad ? 'warn' : 'debug']({ part: 'postgres' }, line)
    },
  })
  const limit = setTimeout(() => void child.close(), START_LIMIT_MS)
  const outcome = await Promise.race([ready.promise, child.exited])
  clearTimeout(limit)
  if (outcome === 'ready') return child
  throw explainFailure(output, dataDir, port)
}

/** A port that was free a moment ago: who takes it in between shows as `port_taken`. */
function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolvePort(address.port)
        else reject(new Error('no free port on 127.0.0.1'))
      })
    })
  })
}
