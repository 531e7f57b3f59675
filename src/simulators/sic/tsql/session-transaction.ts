import type { PoolClient } from 'pg'
import { SqlError } from '../sql-error.ts'
import type { SqlValue } from '../sql-type.ts'
import type { DatabaseLink, RawResult } from './database-link.ts'

export type TransactionRequest = 'begin' | 'commit' | 'rollback'

/** Runs a session's statements: on any connection to PostgreSQL, or on the one that its open transaction holds. */
export class SessionTransaction {
  readonly #link: DatabaseLink
  #client: PoolClient | undefined

  constructor(link: DatabaseLink) {
    this.#link = link
  }

  get isOpen(): boolean {
    return this.#client !== undefined
  }

  async query(sql: string, parameters: readonly SqlValue[], signal: AbortSignal): Promise<RawResult> {
    const client = this.#client
    if (client === undefined) return this.#link.query(sql, parameters, signal)
    // In PostgreSQL an error ends the whole transaction; in SQL Server only the statement.
    await client.query('savepoint statement')
    try {
      return await this.#link.query(sql, parameters, signal, client)
    } catch (error) {
      await client.query('rollback to savepoint statement')
      throw error
    }
  }

  async request(request: TransactionRequest): Promise<void> {
    if (request === 'begin') return this.#begin()
    const client = this.#client
    if (client === undefined) {
      const message = `The ${request.toUpperCase()} TRANSACTION request has no corresponding BEGIN TRANSACTION.`
      throw new SqlError(request === 'commit' ? 3902 : 3903, message)
    }
    this.#client = undefined
    try {
      await client.query(request)
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async #begin(): Promise<void> {
    if (this.#client !== undefined) throw new SqlError(50_000, 'The simulator has no nested transactions.')
    const client = await this.#link.connect()
    try {
      await client.query('begin')
    } catch (error) {
      client.release(true)
      throw error
    }
    this.#client = client
  }

  /** Rolls back what is not committed. */
  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    )
  }
}
