import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sendSignal, type WatchedProcess } from '#src/processes/watched-process.ts'
import { ENGINE_PATH, engineProgram, startEngine } from './engine-process.ts'
import { freePort } from './free-port.ts'

const PRODUCTION = join(import.meta.dirname, '../../deploy/server-1/pgbouncer/pgbouncer.ini')

export interface Pgbouncer extends AsyncDisposable {
  readonly port: number
  /** Ends it, and every connection through it, at once. */
  stop(): Promise<void>
  /** Without a word to anybody. */
  kill(): Promise<void>
  /** Back on the same port. */
  start(): Promise<void>
  /** The address of a database of the server behind it, turned into one through it. */
  through(databaseUrl: string): string
}

/**
 * PgBouncer in transaction mode with the seed's settings, in front of the server of `databaseUrl`, for each of its
 * databases and for the user of that address.
 */
export async function startPgbouncer({ databaseUrl }: { databaseUrl: string }): Promise<Pgbouncer> {
  const server = new URL(databaseUrl)
  const folder = mkdtempSync(join(tmpdir(), 'samaconso-pgbouncer-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const port = await freePort()
    const files = { ini: join(folder, 'pgbouncer.ini'), users: join(folder, 'users.txt') }
    const [user, password] = [decodeURIComponent(server.username), decodeURIComponent(server.password)]
    writeFileSync(files.users, `${quoted(user)} ${quoted(password)}\n`, { mode: 0o600 })
    writeFileSync(files.ini, settings(server, port, files.users), { mode: 0o600 })
    const runAs = standInForRoot()
    if (runAs !== undefined) {
      for (const path of [folder, files.ini, files.users]) chownSync(path, runAs.uid, runAs.gid)
    }
    const start = (): Promise<WatchedProcess> =>
      startEngine({
        name: 'PgBouncer',
        command: engineProgram('pgbouncer', 'pgbouncer'),
        args: [files.ini],
        env: { PATH: ENGINE_PATH, LC_ALL: 'C.UTF-8' },
        cwd: '/',
        ...(runAs === undefined ? {} : { user: runAs }),
        // SIGTERM ends it at once, clients or not.
        graceMs: 5000,
        readyLine: /process up: PgBouncer/,
      })
    let child = await start()
    return {
      port,
      stop: () => child.close(),
      async kill() {
        sendSignal(-child.pid, 'SIGKILL')
        await child.exited
      },
      async start() {
        child = await start()
      },
      through: (url) => Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href,
      async [Symbol.asyncDispose]() {
        await child.close()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** The file of production, with what differs here in place of its lines: a second section of one name would undo the first. */
function settings(server: URL, port: number, usersFile: string): string {
  const lines = {
    samaconso: `* = host=${server.hostname} port=${server.port}`,
    listen_addr: 'listen_addr = 127.0.0.1',
    listen_port: `listen_port = ${port}`,
    auth_file: `auth_file = ${usersFile}`,
    logfile: 'logfile =',
    pidfile: 'pidfile =',
  }
  let text = readFileSync(PRODUCTION, 'utf8')
  for (const [name, line] of Object.entries(lines)) {
    const production = new RegExp(`^${name} = .*$`, 'm')
    if (!production.test(text)) throw new Error(`${PRODUCTION} does not set ${name}`)
    text = text.replace(production, () => line)
  }
  return text
}

/** A line of PgBouncer's user file has its texts in quotes, a quote inside doubled. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** PgBouncer refuses to run as root. */
function standInForRoot(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (user === undefined) throw new Error('PgBouncer refuses root, and there is neither a user postgres nor nobody')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}
