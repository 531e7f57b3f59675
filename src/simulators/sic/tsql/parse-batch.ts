import type { SqlType } from '../sql-type.ts'
import { parseExpression } from './parse-expression.ts'
import { parseQuery } from './parse-query.ts'
import { parseType } from './parse-type.ts'
import type { Expression, Statement } from './syntax.ts'
import { TokenReader } from './token-reader.ts'

/** The statements of a batch. Throws SqlError 102 for what is not understood: never is a statement passed over. */
export function parseBatch(text: string): Statement[] {
  const reader = new TokenReader(text)
  const statements: Statement[] = []
  for (;;) {
    while (reader.acceptSymbol(';'));
    if (reader.isAtEnd) return statements
    statements.push(parseStatement(reader))
  }
}

function parseStatement(reader: TokenReader): Statement {
  const { line } = reader.current
  if (reader.isWord('SELECT', 'WITH')) return { statement: 'query', query: parseQuery(reader), line }
  if (reader.acceptWords('INSERT')) return { ...parseInsert(reader), line }
  if (reader.acceptWords('DECLARE')) {
    return { statement: 'declare', variables: reader.list(() => parseVariable(reader)), line }
  }
  if (reader.acceptWords('SET')) return { ...parseSet(reader), line }
  if (reader.acceptWords('USE')) return { statement: 'use', database: reader.expectName(), line }
  if (reader.acceptWords('PRINT')) return { statement: 'print', value: parseExpression(reader), line }
  return { ...parseTransaction(reader), line }
}

function parseVariable(reader: TokenReader): { name: string; type: SqlType; value?: Expression } {
  if (reader.current.kind !== 'variable') throw reader.unexpected()
  const name = reader.next().text
  reader.acceptWords('AS')
  const type = parseType(reader, 1)
  return reader.acceptSymbol('=') ? { name, type, value: parseExpression(reader) } : { name, type }
}

type WithoutLine<T> = T extends Statement ? Omit<T, 'line'> : never

function parseInsert(reader: TokenReader): WithoutLine<Extract<Statement, { statement: 'insert' }>> {
  reader.acceptWords('INTO')
  const at = reader.place
  const path = reader.expectPath()
  const columns: string[] = []
  if (reader.acceptSymbol('(')) {
    columns.push(...reader.list(() => reader.expectName()))
    reader.expectSymbol(')')
  }
  reader.expectWord('VALUES')
  const rows = reader.list(() => {
    reader.expectSymbol('(')
    const values = reader.list(() => parseExpression(reader))
    reader.expectSymbol(')')
    return values
  })
  return { statement: 'insert', path, columns, rows, at }
}

/** Session options that clients set at login. None of them changes what the statements understood here answer. */
const OPTIONS = new Set([
  'ANSI_DEFAULTS',
  'ANSI_NULLS',
  'ANSI_NULL_DFLT_OFF',
  'ANSI_NULL_DFLT_ON',
  'ANSI_PADDING',
  'ANSI_WARNINGS',
  'ARITHABORT',
  'ARITHIGNORE',
  'CONCAT_NULL_YIELDS_NULL',
  'CURSOR_CLOSE_ON_COMMIT',
  'DATEFIRST',
  'DATEFORMAT',
  'DEADLOCK_PRIORITY',
  'IMPLICIT_TRANSACTIONS',
  'LANGUAGE',
  'LOCK_TIMEOUT',
  'NOCOUNT',
  'NUMERIC_ROUNDABORT',
  'QUERY_GOVERNOR_COST_LIMIT',
  'QUOTED_IDENTIFIER',
  'TEXTSIZE',
  'TRANSACTION',
  'XACT_ABORT',
])

function parseSet(
  reader: TokenReader,
): WithoutLine<Extract<Statement, { statement: 'assign' } | { statement: 'setOption' }>> {
  const at = reader.place
  if (reader.current.kind === 'variable') {
    const variable = reader.next().text
    reader.expectSymbol('=')
    return { statement: 'assign', variable, value: parseExpression(reader), at }
  }
  if (!OPTIONS.has(reader.current.key)) throw reader.unexpected()
  const words = [reader.next().text]
  while (reader.acceptSymbol(',')) {
    if (!OPTIONS.has(reader.current.key)) throw reader.unexpected()
    words.push(reader.next().text)
  }
  words.push(...parseOptionValue(reader))
  return { statement: 'setOption', text: words.join(' ') }
}

function parseOptionValue(reader: TokenReader): string[] {
  if (reader.acceptWords('ISOLATION', 'LEVEL')) {
    const level = [reader.next().text]
    if (reader.isWord('COMMITTED', 'UNCOMMITTED')) level.push(reader.next().text)
    else if (reader.isWord('READ')) level.push(reader.next().text)
    return level
  }
  const sign = reader.acceptSymbol('-') ? '-' : ''
  const isValue = ['word', 'name', 'string', 'number', 'variable'].includes(reader.current.kind)
  if (!isValue) throw reader.unexpected()
  return [sign + reader.next().text]
}

function parseTransaction(reader: TokenReader): WithoutLine<Extract<Statement, { statement: 'transaction' }>> {
  const begins = reader.isWord('BEGIN') && ['TRAN', 'TRANSACTION'].includes(reader.ahead(1).key)
  const request = begins ? 'begin' : reader.isWord('COMMIT') ? 'commit' : 'rollback'
  if (!begins && !reader.isWord('COMMIT', 'ROLLBACK')) throw reader.unexpected()
  reader.next()
  if (reader.isWord('TRAN', 'TRANSACTION')) {
    reader.next()
    if (reader.isName) reader.next()
  }
  return { statement: 'transaction', request }
}
