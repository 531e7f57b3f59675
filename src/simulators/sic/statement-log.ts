import type { SqlValue } from './sql-type.ts'

export interface LoggedStatement {
  readonly at: string
  readonly kind: 'batch' | 'procedure'
  /** The T-SQL text; of a prepared statement, the text that was prepared. */
  readonly text: string
  readonly parameters: Readonly<Record<string, SqlValue>>
  readonly database: string
  readonly program: string
}

const KEPT = 1000

/** The last statements that clients sent, so that tests can count them. */
export class StatementLog {
  #statements: LoggedStatement[] = []

  add(statement: Omit<LoggedStatement, 'at'>): void {
    this.#statements.push({ at: new Date().toISOString(), ...statement })
    if (this.#statements.length > KEPT) this.#statements.shift()
  }

  get all(): readonly LoggedStatement[] {
    return this.#statements
  }

  clear(): void {
    this.#statements = []
  }
}
