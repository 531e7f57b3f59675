import { unknownFunction } from '../sql-error.ts'
import { parseExpression } from './parse-expression.ts'
import { parseOrderItems, parseQuery } from './parse-query.ts'
import { parseType } from './parse-type.ts'
import type { CaseExpression, Expression, FunctionCall } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** Functions whose names are reserved words, and so only names before a parenthesis. */
const RESERVED_FUNCTIONS = new Set(['LEFT', 'RIGHT', 'COALESCE', 'NULLIF'])
/** Called without parentheses. */
const BARE_FUNCTIONS = new Set(['CURRENT_TIMESTAMP', 'CURRENT_USER', 'SESSION_USER', 'SYSTEM_USER', 'USER'])
/** Length of CAST(… AS varchar) and CONVERT(varchar, …). */
const CAST_LENGTH = 30
/** Reads what operators stand between: literals, names, calls, CASE, and anything in parentheses. */
export function parsePrimary(reader: TokenReader): Expression {
  const at = reader.place
  const token = reader.current
  switch (token.kind) {
    case 'number':
    case 'binary':
      return { node: token.kind, text: reader.next().text, at }
    case 'string':
      return { node: 'string', text: reader.next().text, isUnicode: token.isUnicode, at }
    case 'variable':
      return { node: 'variable', name: reader.next().text, at }
    case 'symbol':
      return parseParenthesis(reader)
    case 'word':
      return parseWord(reader)
    case 'name':
      return { node: 'column', path: reader.expectPath(), at }
    case 'end':
      throw reader.unexpected()
  }
}

function parseParenthesis(reader: TokenReader): Expression {
  const at = reader.place
  reader.expectSymbol('(')
  const isQuery = reader.isWord('SELECT', 'WITH')
  const inner: Expression = isQuery ? { node: 'subquery', query: parseQuery(reader), at } : parseExpression(reader)
  reader.expectSymbol(')')
  return inner
}

function parseWord(reader: TokenReader): Expression {
  const at = reader.place
  const { key } = reader.current
  const isCall = reader.ahead(1).kind === 'symbol' && reader.ahead(1).text === '('
  if (reader.acceptWords('NULL')) return { node: 'null', at }
  if (key === 'CASE') return parseCase(reader)
  if (key === 'EXISTS') return parseExists(reader)
  if (key === 'CAST' && isCall) return parseCast(reader)
  if (key === 'CONVERT' && isCall) return parseConvert(reader)
  if (BARE_FUNCTIONS.has(key) && !isCall) {
    reader.next()
    return { node: 'call', name: key, parameters: [], isDistinct: false, isStar: false, over: undefined, at }
  }
  if (isCall && (reader.isName || RESERVED_FUNCTIONS.has(key))) return parseCall(reader)
  const path = reader.expectPath()
  // A name with a schema before a parenthesis is a function of the database, and there are none.
  if (reader.isSymbol('(')) throw unknownFunction(path.join('.'), at.line)
  return { node: 'column', path, at }
}

function parseCase(reader: TokenReader): CaseExpression {
  const at = reader.place
  reader.expectWord('CASE')
  const operand = reader.isWord('WHEN') ? undefined : parseExpression(reader)
  const branches: { when: Expression; result: Expression }[] = []
  while (reader.acceptWords('WHEN')) {
    const when = parseExpression(reader)
    reader.expectWord('THEN')
    branches.push({ when, result: parseExpression(reader) })
  }
  if (branches.length === 0) throw reader.unexpected()
  const otherwise = reader.acceptWords('ELSE') ? parseExpression(reader) : undefined
  reader.expectWord('END')
  return { node: 'case', operand, branches, otherwise, at }
}

function parseExists(reader: TokenReader): Expression {
  const at = reader.place
  reader.expectWord('EXISTS')
  reader.expectSymbol('(')
  const query = parseQuery(reader)
  reader.expectSymbol(')')
  return { node: 'exists', query, at }
}

function parseCast(reader: TokenReader): Expression {
  const at = reader.place
  reader.next()
  reader.expectSymbol('(')
  const operand = parseExpression(reader)
  reader.expectWord('AS')
  const type = parseType(reader, CAST_LENGTH)
  reader.expectSymbol(')')
  return { node: 'cast', operand, type, style: undefined, at }
}

function parseConvert(reader: TokenReader): Expression {
  const at = reader.place
  reader.next()
  reader.expectSymbol('(')
  const type = parseType(reader, CAST_LENGTH)
  reader.expectSymbol(',')
  const operand = parseExpression(reader)
  const style = reader.acceptSymbol(',') ? parseStyle(reader) : undefined
  reader.expectSymbol(')')
  return { node: 'cast', operand, type, style, at }
}

function parseStyle(reader: TokenReader): number {
  if (reader.current.kind !== 'number') throw reader.unexpected()
  return Number(reader.next().text)
}

function parseCall(reader: TokenReader): FunctionCall {
  const at = reader.place
  const name = reader.next().key
  reader.expectSymbol('(')
  const isStar = reader.acceptSymbol('*')
  const isDistinct = reader.acceptWords('DISTINCT')
  if (!isDistinct) reader.acceptWords('ALL')
  const isEmpty = isStar || reader.isSymbol(')')
  const parameters = isEmpty ? [] : reader.list(() => parseExpression(reader))
  reader.expectSymbol(')')
  return { node: 'call', name, parameters, isDistinct, isStar, over: parseOver(reader), at }
}

function parseOver(reader: TokenReader): FunctionCall['over'] {
  if (!reader.acceptWords('OVER')) return undefined
  reader.expectSymbol('(')
  const partitionBy = reader.acceptWords('PARTITION', 'BY') ? reader.list(() => parseExpression(reader)) : []
  const orderBy = reader.acceptWords('ORDER', 'BY') ? parseOrderItems(reader) : []
  reader.expectSymbol(')')
  return { partitionBy, orderBy }
}
