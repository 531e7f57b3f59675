export interface SqlErrorOptions {
  /** @default 1 */
  readonly state?: number
  /** SQL Server's severity: 11 to 16 is the client's to mend, 20 and above ends the connection. @default 16 */
  readonly severity?: number
  /** Counted from 1 within the batch. @default 1 */
  readonly line?: number
  readonly cause?: unknown
}

/** An error that the client is told, numbered and worded as SQL Server does. */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly number: number
  readonly state: number
  readonly severity: number
  readonly line: number

  constructor(number: number, message: string, options: SqlErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.number = number
    this.state = options.state ?? 1
    this.severity = options.severity ?? 16
    this.line = options.line ?? 1
  }
}

export const incorrectSyntax = (near: string, line: number): SqlError =>
  new SqlError(102, `Incorrect syntax near '${near}'.`, { severity: 15, line })

export const unclosedQuote = (text: string, line: number): SqlError =>
  new SqlError(105, `Unclosed quotation mark after the character string '${text}'.`, { severity: 15, line })

export const undeclaredVariable = (name: string, line: number): SqlError =>
  new SqlError(137, `Must declare the scalar variable "${name}".`, { severity: 15, state: 2, line })

export const unknownFunction = (name: string, line: number): SqlError =>
  new SqlError(195, `'${name}' is not a recognized built-in function name.`, { severity: 15, state: 10, line })

export const unknownColumn = (name: string, line: number): SqlError =>
  new SqlError(207, `Invalid column name '${name}'.`, { line })

export const unknownObject = (name: string, line: number): SqlError =>
  new SqlError(208, `Invalid object name '${name}'.`, { line })

export const ambiguousColumn = (name: string, line: number): SqlError =>
  new SqlError(209, `Ambiguous column name '${name}'.`, { line })

export const unknownType = (name: string, line: number): SqlError =>
  new SqlError(243, `Type ${name} is not a defined system type.`, { line })

export const unboundColumn = (name: string, line: number): SqlError =>
  new SqlError(4104, `The multi-part identifier "${name}" could not be bound.`, { line })

export const conditionExpected = (near: string, line: number): SqlError =>
  new SqlError(
    4145,
    `An expression of non-boolean type specified in a context where a condition is expected, near '${near}'.`,
    {
      severity: 15,
      line,
    },
  )

export const unknownProcedure = (name: string): SqlError =>
  new SqlError(2812, `Could not find stored procedure '${name}'.`, { state: 62 })

export const unknownDatabase = (name: string, line: number): SqlError =>
  new SqlError(911, `Database '${name}' does not exist. Make sure that the name is entered correctly.`, { line })
