import { SqlError, unknownProcedure } from '../sql-error.ts'
import { INT, type SqlValue } from '../sql-type.ts'
import type { StatementLog } from '../statement-log.ts'
import type { Variable } from '../tsql/scope.ts'
import type { SqlEvent, SqlSession } from '../tsql/sql-session.ts'
import type { Answer } from './answer.ts'
import { type BoundParameter, bindParameters } from './bound-parameters.ts'
import { ProtocolError } from './bytes.ts'
import { type Message, PACKET } from './packet.ts'
import { decodeBatch, decodeRpc, decodeTransactionRequest, type RpcCall, type RpcParameter } from './requests.ts'
import * as tokens from './tokens.ts'

interface PreparedStatement {
  readonly text: string
  readonly declarations: string
}

const FATAL_SEVERITY = 20

/** Answers batches, procedure calls and transaction requests of one connection. */
export class RequestHandler {
  readonly #session: SqlSession
  readonly #statements: StatementLog
  readonly #program: string
  readonly #prepared = new Map<string, PreparedStatement>()
  #lastHandle = 0
  #transactions = 0n

  constructor(session: SqlSession, statements: StatementLog, program: string) {
    this.#session = session
    this.#statements = statements
    this.#program = program
  }

  async reset(): Promise<void> {
    this.#prepared.clear()
    await this.#session.reset()
  }

  /** Writes the whole answer but its end. Gives whether the connection must be closed after it. */
  async respond(message: Message, reply: Answer, signal: AbortSignal): Promise<boolean> {
    switch (message.type) {
      case PACKET.sqlBatch:
        return this.#answerBatch(decodeBatch(message.payload), reply, signal)
      case PACKET.rpc:
        return this.#answerCalls(decodeRpc(message.payload), reply, signal)
      case PACKET.transactionManager:
        return this.#answerTransaction(message.payload, reply)
      default:
        throw new ProtocolError(`packet type ${message.type} after the login`)
    }
  }

  async #answerBatch(text: string, reply: Answer, signal: AbortSignal): Promise<boolean> {
    this.#log('batch', text, [])
    const isInTransaction = this.#session.isInTransaction
    // Each DONE waits until it is known whether another follows.
    let pending: tokens.DoneFlags | undefined
    const failure = await this.#catchSqlError(async () => {
      for await (const event of this.#session.run(text, new Map(), signal)) {
        if (pending !== undefined) await reply.write(tokens.done({ ...pending, hasMore: true }))
        pending = undefined
        if (event.event === 'done') pending = { kind: 'statement', ...countOf(event), isInTransaction }
        else await writeEvent(event, reply, signal)
      }
    })
    if (failure !== undefined) {
      if (pending !== undefined) await reply.write(tokens.done({ ...pending, hasMore: true }))
      await reply.write(tokens.error(failure))
      await reply.write(tokens.done({ kind: 'statement', isError: true, isInTransaction }))
      return failure.severity >= FATAL_SEVERITY
    }
    await reply.write(tokens.done(pending ?? { kind: 'statement', isInTransaction }))
    return false
  }

  async #catchSqlError(work: () => Promise<void>): Promise<SqlError | undefined> {
    try {
      await work()
      return undefined
    } catch (error) {
      if (error instanceof SqlError) return error
      // A value that PostgreSQL knows and SQL Server does not, such as a date at infinity.
      if (error instanceof RangeError) return new SqlError(8115, `Arithmetic overflow error: ${error.message}.`)
      throw error
    }
  }

  async #answerCalls(calls: readonly RpcCall[], reply: Answer, signal: AbortSignal): Promise<boolean> {
    for (const [index, call] of calls.entries()) {
      const hasMore = index < calls.length - 1
      const failure = await this.#catchSqlError(() => this.#call(call, reply, signal))
      if (failure !== undefined) await reply.write(tokens.error(failure))
      const isInTransaction = this.#session.isInTransaction
      await reply.write(tokens.done({ kind: 'procedure', isError: failure !== undefined, hasMore, isInTransaction }))
      if (failure !== undefined && failure.severity >= FATAL_SEVERITY) return true
    }
    return false
  }

  async #call(call: RpcCall, reply: Answer, signal: AbortSignal): Promise<void> {
    const { parameters } = call
    switch (procedureName(call.procedure)) {
      case 'sp_executesql': {
        const statement = { text: textOf(parameters[0]), declarations: textOf(parameters[1]) }
        return this.#execute(statement, parameters.slice(2), 2, reply, signal)
      }
      case 'sp_prepare':
        return this.#writeHandle(this.#prepare(parameters), parameters, reply)
      case 'sp_prepexec': {
        const handle = this.#prepare(parameters)
        const statement = this.#preparedStatement(handle)
        await this.#execute(statement, parameters.slice(3), 3, reply, signal, () =>
          reply.write(handleValue(handle, parameters)),
        )
        return
      }
      case 'sp_execute':
        return this.#execute(this.#preparedStatement(parameters[0]?.value ?? ''), parameters.slice(1), 1, reply, signal)
      case 'sp_unprepare':
        this.#preparedStatement(parameters[0]?.value ?? '')
        this.#prepared.delete(parameters[0]?.value ?? '')
        return void (await reply.write(tokens.returnStatus(0)))
      default:
        throw unknownProcedure(call.procedure)
    }
  }

  /** Parameters: handle (output), declarations, text. The text is checked when it is first executed. */
  #prepare(parameters: readonly RpcParameter[]): string {
    this.#lastHandle += 1
    const handle = String(this.#lastHandle)
    this.#prepared.set(handle, { declarations: textOf(parameters[1]), text: textOf(parameters[2]) })
    return handle
  }

  #preparedStatement(handle: string): PreparedStatement {
    const statement = this.#prepared.get(handle)
    if (statement === undefined) {
      throw new SqlError(8179, `Could not find prepared statement with handle ${handle || 'NULL'}.`, { state: 2 })
    }
    return statement
  }

  async #writeHandle(handle: string, parameters: readonly RpcParameter[], reply: Answer): Promise<void> {
    await reply.write(tokens.returnStatus(0))
    await reply.write(handleValue(handle, parameters))
  }

  /** @param firstOrdinal the number of parameters that belong to the procedure itself */
  async #execute(
    statement: PreparedStatement,
    values: readonly RpcParameter[],
    firstOrdinal: number,
    reply: Answer,
    signal: AbortSignal,
    beforeOutputs: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    const bound = bindParameters(statement.declarations, values)
    this.#log('procedure', statement.text, bound)
    const variables = new Map(
      bound.map(({ name, type, value }): [string, Variable] => [name.toLowerCase(), { type, value }]),
    )
    for await (const event of this.#session.run(statement.text, variables, signal)) {
      if (event.event === 'done')
        await reply.write(tokens.done({ kind: 'inProcedure', ...countOf(event), hasMore: true }))
      else await writeEvent(event, reply, signal)
    }
    await reply.write(tokens.returnStatus(0))
    await beforeOutputs()
    for (const [index, { name, isByReference }] of bound.entries()) {
      const variable = variables.get(name.toLowerCase())
      if (!isByReference || variable === undefined) continue
      await reply.write(tokens.returnValue(firstOrdinal + index, name, variable.type, variable.value))
    }
  }

  async #answerTransaction(payload: Buffer, reply: Answer): Promise<boolean> {
    const request = decodeTransactionRequest(payload)
    const failure = await this.#catchSqlError(async () => {
      if (request === undefined)
        throw new SqlError(3989, 'The simulator has no savepoints and no distributed transactions.')
      await this.#session.requestTransaction(request)
      if (request === 'begin') this.#transactions += 1n
      const change = request === 'begin' ? 'begun' : request === 'commit' ? 'committed' : 'rolled back'
      await reply.write(tokens.transactionChange(change, this.#transactions))
    })
    if (failure !== undefined) await reply.write(tokens.error(failure))
    const isInTransaction = this.#session.isInTransaction
    await reply.write(tokens.done({ kind: 'statement', isError: failure !== undefined, isInTransaction }))
    return failure !== undefined && failure.severity >= FATAL_SEVERITY
  }

  #log(kind: 'batch' | 'procedure', text: string, parameters: readonly BoundParameter[]): void {
    const values = Object.fromEntries(parameters.map(({ name, value }): [string, SqlValue] => [name.slice(1), value]))
    this.#statements.add({ kind, text, parameters: values, database: this.#session.database, program: this.#program })
  }
}

const countOf = ({ rowCount }: { readonly rowCount?: number }): { rowCount?: number } =>
  rowCount === undefined ? {} : { rowCount }

const textOf = (parameter: RpcParameter | undefined): string => parameter?.value ?? ''

function procedureName(name: string): string {
  return (name.split('.').at(-1) ?? '').replaceAll(/[[\]]/g, '').toLowerCase()
}

function handleValue(handle: string, parameters: readonly RpcParameter[]): Buffer {
  return tokens.returnValue(0, parameters[0]?.name ?? '', INT, handle)
}

async function writeEvent(
  event: Exclude<SqlEvent, { event: 'done' }>,
  reply: Answer,
  signal: AbortSignal,
): Promise<void> {
  switch (event.event) {
    case 'columns':
      return reply.write(tokens.columnMetadata(event.columns))
    case 'rows':
      for (const row of event.rows) {
        signal.throwIfAborted()
        await reply.write(tokens.row(event.columns, row))
      }
      return
    case 'info':
      return reply.write(tokens.info(event.number, event.text))
    case 'database':
      return reply.write(tokens.databaseChange(event.now, event.before))
  }
}
