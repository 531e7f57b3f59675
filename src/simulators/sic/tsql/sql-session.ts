import { incorrectSyntax, SqlError, undeclaredVariable, unknownDatabase } from '../sql-error.ts'
import type { SqlType, SqlValue } from '../sql-type.ts'
import type { ResultColumn } from '../tds/tokens.ts'
import type { Catalog } from './catalog.ts'
import { convert } from './conversions.ts'
import type { DatabaseLink } from './database-link.ts'
import { parseBatch } from './parse-batch.ts'
import { toSqlError } from './postgres-error.ts'
import { SessionTransaction, type TransactionRequest } from './session-transaction.ts'
import { Scope, Translation, type Variable } from './scope.ts'
import type { Expression, Query, SelectItem, Statement } from './syntax.ts'
import { translateInsert } from './translate-insert.ts'
import { translateQuery } from './translate-query.ts'
import { translateValue } from './translate-value.ts'
import { postgresType } from './typed.ts'

/** What a batch brings about, in order. Each statement ends with `done`. */
export type SqlEvent =
  | { readonly event: 'columns'; readonly columns: readonly ResultColumn[] }
  | { readonly event: 'rows'; readonly columns: readonly ResultColumn[]; readonly rows: readonly SqlValue[][] }
  | { readonly event: 'done'; readonly rowCount?: number }
  | { readonly event: 'info'; readonly number: number; readonly text: string }
  | { readonly event: 'database'; readonly now: string; readonly before: string }

export interface SqlSessionOptions {
  readonly link: DatabaseLink
  /** @param isFresh when what was known before did not have what was asked for */
  readonly catalog: (isFresh: boolean) => Promise<Catalog>
  readonly database: string
  readonly login: string
  readonly program: string
  readonly processId: number
  readonly version: string
  readonly serverName: string
}

/** Errors of names that a newer catalog might know. */
const UNKNOWN_NAME_ERRORS = new Set([207, 208, 911, 4104])

/** One client's connection as SQL sees it: its database, its variables while a batch runs, its transaction. */
export class SqlSession {
  readonly #options: SqlSessionOptions
  #database: string
  readonly #transaction: SessionTransaction
  #lastRowCount = 0

  constructor(options: SqlSessionOptions) {
    this.#options = options
    this.#database = options.database
    this.#transaction = new SessionTransaction(options.link)
  }

  get isInTransaction(): boolean {
    return this.#transaction.isOpen
  }

  get database(): string {
    return this.#database
  }

  /** Back to how it was after the login. */
  async reset(): Promise<void> {
    this.#database = this.#options.database
    await this.close()
  }

  /**
   * Runs a batch. Throws SqlError at the first statement that fails, and the signal's reason when it is aborted.
   * @param variables those that the caller passes; what the batch declares and assigns is found there afterwards
   */
  async *run(text: string, variables: Map<string, Variable>, signal: AbortSignal): AsyncGenerator<SqlEvent> {
    for (const statement of parseBatch(text)) {
      try {
        yield* this.#runStatement(statement, variables, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw toSqlError(error, statement.line)
      }
    }
  }

  async *#runStatement(
    statement: Statement,
    variables: Map<string, Variable>,
    signal: AbortSignal,
  ): AsyncGenerator<SqlEvent> {
    switch (statement.statement) {
      case 'query':
        return yield* this.#runQuery(statement.query, variables, signal)
      case 'insert':
        return yield* this.#insert(statement, variables, signal)
      case 'declare':
        for (const { name, type, value } of statement.variables) {
          variables.set(name.toLowerCase(), { type, value: null })
          if (value !== undefined) await this.#assign(name, type, value, variables, signal)
        }
        return
      case 'assign': {
        const { type } = declared(statement.variable, variables, statement.line)
        return void (await this.#assign(statement.variable, type, statement.value, variables, signal))
      }
      case 'setOption':
        return refuseUnsupportedOption(statement.text, statement.line)
      case 'use':
        return yield* this.#use(statement.database, statement.line)
      case 'print':
        return yield* this.#print(statement.value, variables, signal)
      case 'transaction':
        return void (await this.#transaction.request(statement.request))
    }
  }

  async *#runQuery(query: Query, variables: Map<string, Variable>, signal: AbortSignal): AsyncGenerator<SqlEvent> {
    const assignments = query.first.items.filter((item) => item.item === 'assignment')
    if (assignments.length > 0) {
      if (assignments.length < query.first.items.length) throw incorrectSyntax('=', query.at.line)
      return yield* this.#assignFromQuery(query, assignments, variables, signal)
    }
    const { translated, parameters } = await this.#translate(variables, (translation) =>
      translateQuery(query, translation),
    )
    const { rows } = await this.#transaction.query(translated.sql, parameters, signal)
    this.#lastRowCount = rows.length
    yield { event: 'columns', columns: translated.columns }
    yield { event: 'rows', columns: translated.columns, rows }
    yield { event: 'done', rowCount: rows.length }
  }

  /** `SELECT @a = …`: the last row stays in the variables. */
  async *#assignFromQuery(
    query: Query,
    assignments: readonly Extract<SelectItem, { item: 'assignment' }>[],
    variables: Map<string, Variable>,
    signal: AbortSignal,
  ): AsyncGenerator<SqlEvent> {
    const items = assignments.map(({ variable, expression, at }): SelectItem => {
      const { type } = declared(variable, variables, at.line)
      return { item: 'value', expression: { node: 'cast', operand: expression, type, style: undefined, at }, alias: '' }
    })
    const values = { ...query, first: { ...query.first, items } }
    const { translated, parameters } = await this.#translate(variables, (translation) =>
      translateQuery(values, translation),
    )
    const { rows } = await this.#transaction.query(translated.sql, parameters, signal)
    const last = rows.at(-1)
    assignments.forEach(({ variable, at }, index) => {
      if (last === undefined) return
      const { type } = declared(variable, variables, at.line)
      variables.set(variable.toLowerCase(), { type, value: last[index] ?? null })
    })
    this.#lastRowCount = rows.length
    yield { event: 'done', rowCount: rows.length }
  }

  async #assign(
    name: string,
    type: SqlType,
    value: Expression,
    variables: Map<string, Variable>,
    signal: AbortSignal,
  ): Promise<void> {
    variables.set(name.toLowerCase(), { type, value: await this.#evaluate(value, type, variables, signal) })
  }

  async #evaluate(
    expression: Expression,
    type: SqlType,
    variables: Map<string, Variable>,
    signal: AbortSignal,
  ): Promise<SqlValue> {
    const { translated, parameters } = await this.#translate(variables, (translation) =>
      convert(translateValue(expression, new Scope(), translation), type),
    )
    const { rows } = await this.#transaction.query(
      `select (${translated.sql})::${postgresType(type)}`,
      parameters,
      signal,
    )
    return rows[0]?.[0] ?? null
  }

  async *#insert(
    statement: Extract<Statement, { statement: 'insert' }>,
    variables: Map<string, Variable>,
    signal: AbortSignal,
  ): AsyncGenerator<SqlEvent> {
    const { translated, parameters } = await this.#translate(variables, (translation) =>
      translateInsert(statement, translation),
    )
    const { rowCount } = await this.#transaction.query(translated, parameters, signal)
    this.#lastRowCount = rowCount
    yield { event: 'done', rowCount }
  }

  async *#use(name: string, line: number): AsyncGenerator<SqlEvent> {
    const known =
      (await this.#options.catalog(false)).database(name) ?? (await this.#options.catalog(true)).database(name)
    if (known === undefined) throw unknownDatabase(name, line)
    const before = this.#database
    this.#database = known
    yield { event: 'database', now: known, before }
    yield { event: 'info', number: 5701, text: `Changed database context to '${known}'.` }
  }

  async *#print(value: Expression, variables: Map<string, Variable>, signal: AbortSignal): AsyncGenerator<SqlEvent> {
    const type: SqlType = { kind: 'text', unicode: true, fixed: false, length: 4000 }
    yield { event: 'info', number: 0, text: (await this.#evaluate(value, type, variables, signal)) ?? '' }
  }

  /** Translates; when a name is unknown, once more with the catalog read anew, as tables may have come since. */
  async #translate<T>(
    variables: ReadonlyMap<string, Variable>,
    translate: (translation: Translation) => T,
  ): Promise<{ translated: T; parameters: readonly SqlValue[] }> {
    const attempt = async (isFresh: boolean): Promise<{ translated: T; parameters: readonly SqlValue[] }> => {
      const translation = new Translation({
        catalog: await this.#options.catalog(isFresh),
        database: this.#database,
        variables,
        session: this.#sessionTexts(),
      })
      return { translated: translate(translation), parameters: translation.parameters }
    }
    try {
      return await attempt(false)
    } catch (error) {
      if (!(error instanceof SqlError) || !UNKNOWN_NAME_ERRORS.has(error.number)) throw error
      return attempt(true)
    }
  }

  #sessionTexts(): Map<string, string> {
    const { login, program, processId, serverName, version } = this.#options
    return new Map([
      ['@@version', version],
      ['@@servername', serverName],
      ['@@spid', String(processId)],
      ['@@trancount', this.#transaction.isOpen ? '1' : '0'],
      ['@@rowcount', String(this.#lastRowCount)],
      ['@@error', '0'],
      ['@@language', 'us_english'],
      ['db_name', this.#database],
      ['suser_sname', login],
      ['app_name', program],
    ])
  }

  /** Begins, or ends, the connection's one transaction. */
  async requestTransaction(request: TransactionRequest): Promise<void> {
    try {
      await this.#transaction.request(request)
    } catch (error) {
      throw toSqlError(error, 1)
    }
  }

  /** Rolls back what is not committed. */
  close(): Promise<void> {
    return this.#transaction.close()
  }
}

function declared(name: string, variables: ReadonlyMap<string, Variable>, line: number): Variable {
  const variable = variables.get(name.toLowerCase())
  if (variable === undefined) throw undeclaredVariable(name, line)
  return variable
}

/** Dates in texts are read month first, whatever the client would like. */
function refuseUnsupportedOption(text: string, line: number): void {
  const order = /^dateformat\s+(\w+)/i.exec(text)?.[1]
  if (order === undefined || ['mdy', 'ymd'].includes(order.toLowerCase())) return
  throw new SqlError(2741, `SET DATEFORMAT date order '${order}' is invalid.`, { line })
}
