import { incorrectSyntax, unknownFunction } from '../sql-error.ts'
import { parseOrderItems, parseQuery } from './parse-query.ts'
import { parseType } from './parse-type.ts'
import type { ArithmeticOperator, CaseExpression, ComparisonOperator, Expression, FunctionCall } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** Functions whose names are reserved words, and so only names before a parenthesis. */
const RESERVED_FUNCTIONS = new Set(['LEFT', 'RIGHT', 'COALESCE', 'NULLIF'])
/** Called without parentheses. */
const BARE_FUNCTIONS = new Set(['CURRENT_TIMESTAMP', 'CURRENT_USER', 'SESSION_USER', 'SYSTEM_USER', 'USER'])
/** Length of CAST(… AS varchar) and CONVERT(varchar, …). */
const CAST_LENGTH = 30
/** Deeper nesting than any client's; without a bound a long row of parentheses would exhaust the stack. */
const DEEPEST = 200
const depths = new WeakMap<TokenReader, number>()

/** Reads a value or a condition; which of the two is wanted is checked when it is translated. */
export function parseExpression(reader: TokenReader): Expression {
  const depth = (depths.get(reader) ?? 0) + 1
  if (depth > DEEPEST) throw incorrectSyntax(reader.current.text, reader.current.line)
  depths.set(reader, depth)
  const expression = parseOr(reader)
  depths.set(reader, depth - 1)
  return expression
}

function parseOr(reader: TokenReader): Expression {
  let left = parseAnd(reader)
  while (reader.isWord('OR')) {
    const at = reader.place
    reader.next()
    left = { node: 'or', left, right: parseAnd(reader), at }
  }
  return left
}

function parseAnd(reader: TokenReader): Expression {
  let left = parseNot(reader)
  while (reader.isWord('AND')) {
    const at = reader.place
    reader.next()
    left = { node: 'and', left, right: parseNot(reader), at }
  }
  return left
}

function parseNot(reader: TokenReader): Expression {
  let negations = 0
  const at = reader.place
  for (; reader.acceptWords('NOT'); negations += 1);
  const operand = parseComparison(reader)
  // Two negations of a condition keep its unknown as unknown, so pairs drop out.
  return negations % 2 === 1 ? { node: 'not', operand, at } : operand
}

const COMPARISONS = new Map<string, ComparisonOperator>([
  ['=', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['!>', '<='],
  ['>', '>'],
  ['>=', '>='],
  ['!<', '>='],
])

function parseComparison(reader: TokenReader): Expression {
  const left = parseSum(reader)
  const at = reader.place
  const operator = reader.current.kind === 'symbol' ? COMPARISONS.get(reader.current.text) : undefined
  if (operator !== undefined) {
    reader.next()
    return { node: 'comparison', operator, left, right: parseSum(reader), at }
  }
  if (reader.acceptWords('IS')) {
    const isNegated = reader.acceptWords('NOT')
    reader.expectWord('NULL')
    return { node: 'isNull', operand: left, isNegated, at }
  }
  const isNegated = reader.isWord('NOT') && ['IN', 'LIKE', 'BETWEEN'].includes(reader.ahead(1).key)
  if (isNegated) reader.next()
  return parsePredicate(reader, left, isNegated) ?? left
}

function parsePredicate(reader: TokenReader, operand: Expression, isNegated: boolean): Expression | undefined {
  const at = reader.place
  if (reader.acceptWords('BETWEEN')) {
    const low = parseSum(reader)
    reader.expectWord('AND')
    return { node: 'between', operand, low, high: parseSum(reader), isNegated, at }
  }
  if (reader.acceptWords('LIKE')) {
    const pattern = parseSum(reader)
    const escape = reader.acceptWords('ESCAPE') ? parseSum(reader) : undefined
    return { node: 'like', operand, pattern, escape, isNegated, at }
  }
  if (!reader.acceptWords('IN')) return undefined
  reader.expectSymbol('(')
  const choices = reader.isWord('SELECT', 'WITH') ? parseQuery(reader) : reader.list(() => parseExpression(reader))
  reader.expectSymbol(')')
  return { node: 'in', operand, choices, isNegated, at }
}

function parseSum(reader: TokenReader): Expression {
  return parseArithmetic(reader, ['+', '-'], () => parseArithmetic(reader, ['*', '/', '%'], () => parseUnary(reader)))
}

function parseArithmetic(reader: TokenReader, operators: ArithmeticOperator[], parseOperand: () => Expression) {
  let left = parseOperand()
  for (;;) {
    const operator = operators.find((candidate) => reader.isSymbol(candidate))
    if (operator === undefined) return left
    const at = reader.place
    reader.next()
    left = { node: 'arithmetic', operator, left, right: parseOperand(), at }
  }
}

function parseUnary(reader: TokenReader): Expression {
  const at = reader.place
  let isNegative = false
  while (reader.isSymbol('-', '+')) isNegative = (reader.next().text === '-') !== isNegative
  const operand = parseCollated(reader)
  return isNegative ? { node: 'negative', operand, at } : operand
}

/** A collation is read and has no effect: the simulator compares all text alike. */
function parseCollated(reader: TokenReader): Expression {
  const operand = parsePrimary(reader)
  if (reader.acceptWords('COLLATE')) reader.expectName()
  return operand
}

function parsePrimary(reader: TokenReader): Expression {
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
