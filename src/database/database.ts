import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Logger } from '#src/core/logger.ts'
import type { Schema } from '#src/database/schema.ts'

export type Db = Kysely<Schema>
/** What must run inside a transaction takes this, so that the compiler refuses the pool. */
export type Tx = Transaction<Schema>

export interface DatabaseOptions {
  readonly url: string
  readonly log: Logger
  /** @default 10 */
  readonly maxConnections?: number
  /** How long a statement may take before the client gives up on it. @default 10_000 */
  readonly statementTimeoutMs?: number
}

/** Connections of this process's pool, by what they do; and the questions that wait for one. */
export interface PoolUse {
  readonly busy: number
  readonly idle: number
  readonly waiting: number
}

export interface Database {
  readonly db: Db
  /** At this moment. */
  readonly use: () => PoolUse
  /** Rejects when the database cannot answer within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

const INT8 = 20
const DATE = 1082

/**
 * Dates stay `YYYY-MM-DD` (a Date would move them by the zone of the process), and 64-bit integers become
 * numbers: ours are counts and whole francs, far below 2^53. Numerics stay text, exact.
 */
const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number
    if (oid === DATE) return (text: string) => text
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text')
  }) as typeof pg.types.getTypeParser,
}

/**
 * Opens a pool; nothing connects before the first query. Only unnamed statements and no session state:
 * PgBouncer in transaction mode hands each transaction another server connection.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    query_timeout: options.statementTimeoutMs ?? 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: typeParsers,
  })
  // A connection that is lost must not end the process. The pool listens to idle ones alone; one that is lost under a
  // query fails that query, and says so here as well. The error carries the whole client, password and all: its message
  // is enough.
  const lost = ({ message }: Error): void => options.log.warn({ reason: message }, 'a database connection was lost')
  pool.on('connect', (client) => client.on('error', lost))
  pool.on('error', () => {})
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  let closing: Promise<void> | undefined
  return {
    db,
    use: () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    ping: (timeoutMs) => ping(pool, timeoutMs),
    close: () => (closing ??= db.destroy()),
  }
}

async function ping(pool: pg.Pool, timeoutMs: number): Promise<void> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([pool.query('select 1'), timeout])
  } finally {
    clearTimeout(timer)
  }
}
