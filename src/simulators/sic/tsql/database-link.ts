import { Pool, type PoolClient, type QueryArrayConfig, type types } from 'pg'
import type { SqlValue } from '../sql-type.ts'

export interface RawResult {
  readonly rows: readonly SqlValue[][]
  readonly rowCount: number
}

const asDelivered = (text: string): string => text
/** Every value stays the text that PostgreSQL sent: nothing is lost on the way to TDS. */
const AS_DELIVERED = { getTypeParser: (() => asDelivered) as unknown as typeof types.getTypeParser }

/** The way to PostgreSQL. Cancelling has a connection of its own: the pool may be full of what is to be cancelled. */
export class DatabaseLink {
  readonly pool: Pool
  readonly #cancelling: Pool
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: { databaseUrl: string; largestPool: number; onIdleError: (error: Error) => void }) {
    this.pool = new Pool({ connectionString: options.databaseUrl, max: options.largestPool })
    this.#cancelling = new Pool({ connectionString: options.databaseUrl, max: 1, idleTimeoutMillis: 1000 })
    for (const pool of [this.pool, this.#cancelling]) pool.on('error', options.onIdleError)
  }

  /** Runs one statement on a connection of the pool, or on `client`. An abort cancels it in PostgreSQL. */
  query(sql: string, parameters: readonly SqlValue[], signal: AbortSignal, client?: PoolClient): Promise<RawResult> {
    const work =
      client === undefined ? this.#queryOnAny(sql, parameters, signal) : this.#queryOn(client, sql, parameters, signal)
    return this.#track(work)
  }

  /** A connection of one's own, to be released. */
  connect(): Promise<PoolClient> {
    return this.#track(this.pool.connect())
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const ended = work.then(
      () => void this.#underWay.delete(ended),
      () => void this.#underWay.delete(ended),
    )
    this.#underWay.add(ended)
    return work
  }

  async #queryOnAny(sql: string, parameters: readonly SqlValue[], signal: AbortSignal): Promise<RawResult> {
    const borrowed = await this.pool.connect()
    try {
      return await this.#queryOn(borrowed, sql, parameters, signal)
    } finally {
      borrowed.release()
    }
  }

  async #queryOn(
    client: PoolClient,
    sql: string,
    parameters: readonly SqlValue[],
    signal: AbortSignal,
  ): Promise<RawResult> {
    signal.throwIfAborted()
    let cancelled: Promise<void> | undefined
    const cancel = (): void => {
      cancelled = this.#cancel(client)
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const config: QueryArrayConfig = { text: sql, values: [...parameters], rowMode: 'array', types: AS_DELIVERED }
      const { rows, rowCount } = await client.query<SqlValue[]>(config)
      return { rows, rowCount: rowCount ?? rows.length }
    } finally {
      signal.removeEventListener('abort', cancel)
      // The connection goes to others afterwards, and a late cancel would hit them.
      await cancelled
    }
  }

  async #cancel(client: PoolClient): Promise<void> {
    const { processID } = client as PoolClient & { readonly processID: number | null }
    // Without an answer the statement simply runs to its end.
    await this.#cancelling.query('select pg_cancel_backend($1)', [processID]).catch(() => undefined)
  }

  /** Waits for what is under way: a pool that ends forgets those who wait for it, and they would wait for ever. */
  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    await this.pool.end()
    await this.#cancelling.end()
  }
}
