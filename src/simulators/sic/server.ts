import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { type Certificate, makeCertificate } from '../certificate/certificate.ts'
import { startControlServer } from './control-server.ts'
import { type Faults, noFaults } from './faults.ts'
import { SqlError } from './sql-error.ts'
import { StatementLog } from './statement-log.ts'
import { Connection } from './tds/connection.ts'
import type { Login } from './tds/login.ts'
import type { Encryption } from './tds/prelogin.ts'
import { SERVER_NAME } from './tds/tokens.ts'
import { loginFailed } from './tds/welcome.ts'
import { type Catalog, readCatalog } from './tsql/catalog.ts'
import { DatabaseLink } from './tsql/database-link.ts'
import { SqlSession } from './tsql/sql-session.ts'

export interface SicServerOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** The PostgreSQL database whose schemas `SIC`, `HISTH2MC` and `BI_ODS` are the source databases. */
  readonly databaseUrl: string
  readonly login: string
  readonly password: string
  /** `off` cannot encrypt, `login` encrypts at least the login of clients that can, `all` insists on everything. */
  readonly encryption: Encryption
  /** @default one made at the start, for `host`, localhost and 127.0.0.1 */
  readonly certificate?: Certificate
  /** The one version of TLS that it speaks. @default `TLSv1.2` */
  readonly onlyTls?: SecureVersion
  /** Of the HTTP control server on 127.0.0.1; 0 for any free one. @default none is started */
  readonly controlPort?: number
  readonly log: Logger
}

export interface SicServer extends Closeable {
  readonly port: number
  readonly controlPort: number | undefined
  /** What clients need as their CA file; undefined without encryption. */
  readonly certPem: string | undefined
  /** Change them at any time. */
  readonly faults: Faults
  readonly statements: StatementLog
}

const VERSION_TEXT = 'Microsoft SQL Server 2019 (RTM-CU32) - 15.0.4430.1 (X64)\n\tSamaConso SIC simulator on PostgreSQL'
/** Statements at once; the rest wait their turn. */
const LARGEST_POOL = 10

/** A server that speaks as SQL Server does (TDS 7.3 and 7.4) and finds its tables in PostgreSQL. */
export async function startSicServer(options: SicServerOptions): Promise<SicServer> {
  const statements = new StatementLog()
  const faults = noFaults()
  const link = new DatabaseLink({
    databaseUrl: options.databaseUrl,
    largestPool: LARGEST_POOL,
    onIdleError: (error) => options.log.warn({ err: error }, 'the simulator lost a connection to its database'),
  })
  const certificate = certificateFor(options)
  const logIn = loginCheck(options, link)
  const connections = new Set<Connection>()
  let connectionCount = 0
  const accept = (socket: Socket): void => {
    if (faults.refuse === 'connections') return void socket.destroy()
    connectionCount += 1
    const processId = 50 + connectionCount
    const connection = new Connection(socket, {
      encryption: options.encryption,
      secureContext: certificate?.secureContext,
      faults,
      statements,
      log: options.log,
      processId,
      logIn: (login) => logIn(login, processId),
    })
    connections.add(connection)
    socket.on('close', () => connections.delete(connection))
  }
  const server = await listen(options, accept, link)
  const control =
    options.controlPort === undefined
      ? undefined
      : await startControlServer({ port: options.controlPort, faults, statements })
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const listening = control === undefined ? [server] : [server, control]
    const closed = listening.map((each) => new Promise<void>((resolve) => each.close(() => resolve())))
    control?.closeAllConnections()
    for (const connection of connections) connection.destroy()
    await Promise.all(closed)
    await link.close()
  }
  return {
    port: (server.address() as AddressInfo).port,
    controlPort: control && (control.address() as AddressInfo).port,
    certPem: certificate?.certPem,
    faults,
    statements,
    close: () => (closing ??= close()),
  }
}

async function listen(
  options: SicServerOptions,
  accept: (socket: Socket) => void,
  link: DatabaseLink,
): Promise<Server> {
  const server = createServer(accept)
  server.listen(options.port, options.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    await link.close()
    throw error
  }
  return server
}

function certificateFor(options: SicServerOptions): (Certificate & { secureContext: SecureContext }) | undefined {
  if (options.encryption === 'off') return undefined
  const hosts = [...new Set(['localhost', '127.0.0.1', options.host])]
  const certificate = options.certificate ?? makeCertificate({ hosts })
  // TDS 7.4 hides the handshake in its own packets, which leaves no place for what TLS 1.3 sends after it.
  const secureContext = createSecureContext({
    cert: certificate.certPem,
    key: certificate.keyPem,
    ...tlsVersion(options.onlyTls),
  })
  return { ...certificate, secureContext }
}

function tlsVersion(only: SecureVersion = 'TLSv1.2'): SecureContextOptions {
  // OpenSSL has the older ones at its lowest level of security alone.
  return { minVersion: only, maxVersion: only, ...(only !== 'TLSv1.2' && { ciphers: 'DEFAULT@SECLEVEL=0' }) }
}

/** Checks name and password, finds the database, and opens the session. */
function loginCheck(
  options: SicServerOptions,
  link: DatabaseLink,
): (login: Login, processId: number) => Promise<SqlSession> {
  let known: Promise<Catalog> | undefined
  const catalog = (isFresh: boolean): Promise<Catalog> => {
    if (isFresh || known === undefined) {
      const reading = readCatalog(link.pool)
      known = reading
      // A failed reading is not kept: the next one may succeed.
      reading.catch(() => (known = known === reading ? undefined : known))
    }
    return known
  }
  return async (login, processId) => {
    const isWelcome =
      !login.isIntegrated && sameName(login.userName, options.login) && login.password === options.password
    if (!isWelcome) throw loginFailed(login.userName)
    const wanted = login.database === '' ? 'SIC' : login.database
    const database = await findDatabase(wanted, catalog, login.userName)
    return new SqlSession({
      link,
      catalog,
      database,
      login: options.login,
      program: login.programName,
      processId,
      version: VERSION_TEXT,
      serverName: SERVER_NAME,
    })
  }
}

async function findDatabase(
  name: string,
  catalog: (isFresh: boolean) => Promise<Catalog>,
  userName: string,
): Promise<string> {
  const find = async (isFresh: boolean): Promise<string | undefined> => (await catalog(isFresh)).database(name)
  const found = await find(false)
    .then((database) => database ?? find(true))
    .catch(() => {
      throw new SqlError(
        18_401,
        `Login failed for user '${userName}'. Reason: the simulator cannot reach its database.`,
        {
          severity: 14,
        },
      )
    })
  if (found !== undefined) return found
  const message = `Cannot open database "${name}" requested by the login. The login failed.`
  // SQL Server says both, in this order.
  throw new AggregateError([new SqlError(4060, message, { severity: 11 }), loginFailed(userName)])
}

const sameName = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase()
