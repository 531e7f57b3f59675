import { incorrectSyntax, type SqlError } from '../sql-error.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Place } from './syntax.ts'

/** SQL Server's reserved words, as far as they could be mistaken for a name or an alias here. */
const RESERVED = new Set(
  (
    'ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT CLOSE ' +
    'CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT CREATE CROSS CURRENT ' +
    'CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC ' +
    'DISTINCT DISTRIBUTED DOUBLE DROP ELSE END ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FOR FOREIGN ' +
    'FREETEXT FROM FULL FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY ' +
    'KILL LEFT LIKE MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF ON OPEN OPTION OR ORDER OUTER OVER PERCENT ' +
    'PIVOT PLAN PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ RECONFIGURE REFERENCES RESTORE RESTRICT RETURN REVERT ' +
    'REVOKE RIGHT ROLLBACK ROWCOUNT RULE SAVE SCHEMA SELECT SESSION_USER SET SHUTDOWN SOME STATISTICS SYSTEM_USER TABLE ' +
    'TABLESAMPLE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE UNION UNIQUE UNPIVOT UPDATE USE USER VALUES VARYING VIEW ' +
    'WAITFOR WHEN WHERE WHILE WITH'
  ).split(' '),
)

/** Walks through a batch's tokens. What does not fit where it stands is SQL Server's error 102, near that token. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  get current(): Token {
    return this.ahead(0)
  }

  /** Undefined as a token never happens: the last one repeats. */
  ahead(count: number): Token {
    const token = this.#tokens[Math.min(this.#position + count, this.#tokens.length - 1)]
    if (token === undefined) throw new TypeError('a batch always has an end')
    return token
  }

  get place(): Place {
    return { near: this.current.text, line: this.current.line }
  }

  get isAtEnd(): boolean {
    return this.current.kind === 'end'
  }

  next(): Token {
    const token = this.current
    this.#position += 1
    return token
  }

  isWord(...words: string[]): boolean {
    return this.current.kind === 'word' && words.includes(this.current.key)
  }

  isSymbol(...symbols: string[]): boolean {
    return this.current.kind === 'symbol' && symbols.includes(this.current.text)
  }

  /** Moves past the words, all of them or none. */
  acceptWords(...words: string[]): boolean {
    const isThere = words.every((word, index) => this.ahead(index).kind === 'word' && this.ahead(index).key === word)
    if (isThere) this.#position += words.length
    return isThere
  }

  acceptSymbol(symbol: string): boolean {
    const isThere = this.isSymbol(symbol)
    if (isThere) this.#position += 1
    return isThere
  }

  expectWord(word: string): void {
    if (!this.acceptWords(word)) throw this.unexpected()
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected()
  }

  get isName(): boolean {
    return this.current.kind === 'name' || (this.current.kind === 'word' && !RESERVED.has(this.current.key))
  }

  expectName(): string {
    if (!this.isName) throw this.unexpected()
    return this.next().text
  }

  /** `database.schema.table`, where a part between two dots may be left out. */
  expectPath(): string[] {
    const path = [this.expectName()]
    while (this.isSymbol('.') && this.ahead(1).text !== '*') {
      this.next()
      path.push(this.isSymbol('.') ? '' : this.expectName())
    }
    return path
  }

  /** One or more, with commas between. */
  list<T>(read: () => T): T[] {
    const items = [read()]
    while (this.acceptSymbol(',')) items.push(read())
    return items
  }

  unexpected(): SqlError {
    return incorrectSyntax(this.current.text, this.current.line)
  }
}
