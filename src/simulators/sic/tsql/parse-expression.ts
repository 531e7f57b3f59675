import { incorrectSyntax } from '../sql-error.ts'
import { parsePrimary } from './parse-primary.ts'
import { parseQuery } from './parse-query.ts'
import type { ArithmeticOperator, ComparisonOperator, Expression } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

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
