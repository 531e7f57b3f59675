import type { SecureContextOptions } from 'node:tls'
import sql from 'mssql'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { openTunnel } from '../../http-connect/tunnel.ts'
import { toSourceUnavailable } from './failure.ts'
import type { SqlServerOptions } from './options.ts'

export type SqlServerRow = Readonly<Record<string, unknown>>
/** Text goes out as varchar, a moment as datetime2(3): a datetime parameter can miss its row by a millisecond. */
export type SqlServerParameter = string | Date

/** How long a server may take to confirm that it dropped a statement before the connection is thrown away. */
const CANCEL_TIMEOUT_MS = 1000
const LEAST_TEXT_LENGTH = 40
/** So that the client's own connect timeout, which says more, comes first. */
const GRACE_MS = 100

/**
 * A small pool to one database, connected at the first question: a source that is down when the program starts does
 * not matter. Every failure is `SourceUnavailable`, except a cancelled question, which rejects with the signal's reason.
 */
export class SqlServerClient implements AsyncDisposable {
  readonly #options: SqlServerOptions
  readonly #pool: sql.ConnectionPool
  /** Aborted by the close: every connection ends, and every attempt at one. */
  readonly #end = new AbortController()
  #closing: Promise<void> | undefined
  #connecting: Promise<unknown> = Promise.resolve()

  constructor(options: SqlServerOptions) {
    this.#options = options
    this.#pool = new sql.ConnectionPool(poolConfig(options, this.#end.signal))
    // The pool repeats here what the failing question has already been told; without a listener it would end the process.
    this.#pool.on('error', () => {})
  }

  async query(
    statement: string,
    parameters: Readonly<Record<string, SqlServerParameter>>,
    signal?: AbortSignal,
  ): Promise<SqlServerRow[]> {
    signal?.throwIfAborted()
    if (this.#end.signal.aborted) throw closed()
    await this.#connect(signal)
    const request = this.#pool.request()
    for (const [name, value] of Object.entries(parameters)) addParameter(request, name, value)
    const answer = request.query<SqlServerRow>(statement)
    try {
      const result = await within(limitOf('too_slow', this.#options.queryTimeoutMs), answer, signal, () =>
        request.cancel(),
      )
      return [...result.recordset]
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#failure(error)
    }
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    const connecting = this.#pool.connect()
    this.#connecting = connecting.catch(() => {})
    try {
      // The attempt has a limit of its own and is shared with other questions, so one that gives up only leaves it.
      const limit = limitOf('unreachable', this.#options.connectTimeoutMs + 2 * GRACE_MS)
      await within(limit, connecting, signal, () => {})
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#failure(error)
    }
  }

  /** Whoever still waits when the client closes hears words of the pool's own, which are none of the server's. */
  #failure(error: unknown): SourceUnavailable {
    return this.#end.signal.aborted ? closed() : toSourceUnavailable(error, this.#options.password)
  }

  /** Waits for no server: questions under way are `unreachable` at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#end.abort()
    // The pool refuses to close while it connects.
    await this.#connecting
    await this.#pool.close()
  }
}

const closed = (): SourceUnavailable => new SourceUnavailable('unreachable', { cause: new Error('closed') })

function poolConfig(options: SqlServerOptions, end: AbortSignal): sql.config {
  const { host, port, database, user, password, encrypt, proxyUrl } = options
  return {
    server: host,
    port,
    database,
    user,
    password,
    connectionTimeout: options.connectTimeoutMs,
    requestTimeout: options.queryTimeoutMs,
    // Looks at the socket; the default would ask SELECT 1 before every question.
    validateConnection: 'socket',
    beforeConnect: (connection) => watch(connection, options.connectTimeoutMs + GRACE_MS, end),
    pool: { min: 0, max: options.poolMax, idleTimeoutMillis: 30_000 },
    options: {
      encrypt: encrypt === 'strict' ? 'strict' : encrypt === 'all',
      trustServerCertificate: options.trustServerCertificate,
      cancelTimeout: CANCEL_TIMEOUT_MS,
      // Of a server that has no room the default asks for a login four times over, within one question.
      maxRetriesOnTransientErrors: 0,
      appName: 'samaconso',
      useUTC: true,
      ...(proxyUrl !== undefined && { connector: () => tunnelTo(options, proxyUrl, end) }),
      cryptoCredentialsDetails: tlsDetails(options),
    },
  }
}

/** OpenSSL speaks old TLS at its lowest level of security alone: this connection is given it, and no other. */
function tlsDetails({ certificateAuthority, minTls }: SqlServerOptions): SecureContextOptions {
  return {
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
    ...(minTls !== undefined && {
      minVersion: minTls === '1.0' ? 'TLSv1' : 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
  }
}

function tunnelTo(
  { host, port, certificateAuthority, connectTimeoutMs }: SqlServerOptions,
  proxyUrl: URL,
  end: AbortSignal,
) {
  // The client does not tell its connector when it gives up.
  const signal = AbortSignal.any([AbortSignal.timeout(connectTimeoutMs), end])
  return openTunnel({ host, port, proxyUrl, caPem: certificateAuthority, signal })
}

/**
 * Closes the connection when all are to end, or when it is not there in time: the client's own connect timeout does
 * not end the wait for the rest of a half-sent greeting.
 */
function watch(connection: sql.Connection, limitMs: number, end: AbortSignal): void {
  const close = (): void => connection.close()
  const timer = setTimeout(close, limitMs)
  end.addEventListener('abort', close)
  connection.once('connect', () => clearTimeout(timer))
  connection.once('end', () => {
    clearTimeout(timer)
    end.removeEventListener('abort', close)
  })
  // The pool may make one more until it is closed itself.
  if (end.aborted) close()
}

function addParameter(request: sql.Request, name: string, value: SqlServerParameter): void {
  if (typeof value !== 'string') request.input(name, sql.DateTime2(3), value)
  // Longer than declared would be cut short, and could then match somebody else's meter.
  else request.input(name, sql.VarChar(Math.max(LEAST_TEXT_LENGTH, value.length)), value)
}

interface Limit {
  readonly ms: number
  readonly error: SourceUnavailable
}

function limitOf(reason: SourceUnavailable['reason'], ms: number): Limit {
  return { ms, error: new SourceUnavailable(reason, { cause: new Error(`nothing whole within ${ms} ms`) }) }
}

/**
 * Waits for `answer`, for at most the limit, or until `signal`. The client stops its own clock at the first packet of
 * an answer, so an answer that stalls half-way is only noticed here.
 */
async function within<T>(
  limit: Limit,
  answer: Promise<T>,
  signal: AbortSignal | undefined,
  giveUp: () => void,
): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = (reason: unknown): void => {
    stopped.reject(reason)
    giveUp()
  }
  const onAbort = (): void => stop(signal?.reason)
  const timer = setTimeout(() => stop(limit.error), limit.ms)
  signal?.addEventListener('abort', onAbort, { once: true })
  // Once given up, nobody is left to hear how the answer ends.
  answer.catch(() => {})
  try {
    return await Promise.race([answer, stopped.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
