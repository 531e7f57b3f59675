import { conditionExpected, SqlError } from '../sql-error.ts'
import { FLOAT, type SqlType, typeName } from '../sql-type.ts'
import { convert, convertIfNeeded } from './conversions.ts'
import { likeCondition } from './like.ts'
import type { Scope, Translation } from './scope.ts'
import type { ComparisonOperator, Expression, Place } from './syntax.ts'
import { translateValue } from './translate-value.ts'
import { translateQuery } from './translate-query.ts'
import { commonType, comparisonForm, isDateOrTime, isNumeric, isText, type Typed } from './typed.ts'

/** A condition of WHERE, HAVING, ON or WHEN. A value in its place is SqlError 4145. */
export function translateCondition(expression: Expression, scope: Scope, translation: Translation): string {
  const value = (operand: Expression): Typed => translateValue(operand, scope, translation)
  const condition = (operand: Expression): string => translateCondition(operand, scope, translation)
  switch (expression.node) {
    case 'and':
    case 'or':
      return `(${condition(expression.left)} ${expression.node} ${condition(expression.right)})`
    case 'not':
      return `(not ${condition(expression.operand)})`
    case 'comparison':
      return comparison(expression.operator, value(expression.left), value(expression.right), expression.at)
    case 'isNull':
      return `(${value(expression.operand).sql} is ${expression.isNegated ? 'not ' : ''}null)`
    case 'between': {
      const operand = value(expression.operand)
      const low = comparison('>=', operand, value(expression.low), expression.at)
      const high = comparison('<=', operand, value(expression.high), expression.at)
      return negated(`(${low} and ${high})`, expression.isNegated)
    }
    case 'like':
      return negated(likeCondition(expression, value(expression.operand), scope, translation), expression.isNegated)
    case 'exists':
      return `(exists (${translateQuery(expression.query, translation, scope).sql}))`
    case 'in':
      return negated(membership(expression, scope, translation), expression.isNegated)
    default:
      throw conditionExpected(expression.at.near, expression.at.line)
  }
}

const negated = (condition: string, isNegated: boolean): string => (isNegated ? `(not ${condition})` : condition)

function membership(expression: Extract<Expression, { node: 'in' }>, scope: Scope, translation: Translation): string {
  const operand = translateValue(expression.operand, scope, translation)
  const { choices, at } = expression
  if ('first' in choices) {
    const query = translateQuery(choices, translation, scope)
    const [column] = query.columns
    if (column === undefined || query.columns.length > 1) throw oneColumnExpected(at)
    return queryMembership(operand, column.type, query.sql)
  }
  const compared = choices.map((choice) => comparison('=', operand, translateValue(choice, scope, translation), at))
  return `(${compared.join(' or ')})`
}

function queryMembership(operand: Typed, columnType: SqlType, query: string): string {
  const type = commonType([operand.type, columnType])
  const form = (value: Typed): string =>
    isText(type) ? comparisonForm(convertIfNeeded(value, type).sql) : convertIfNeeded(value, type).sql
  return `(${form(operand)} in (select ${form({ sql: 'q.c1', type: columnType })} from (${query}) q))`
}

export const oneColumnExpected = (at: Place): SqlError =>
  new SqlError(
    116,
    'Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.',
    { line: at.line },
  )

/** Texts compare as French_CI_AS does; where types differ, the weaker becomes the stronger. */
export function comparison(operator: ComparisonOperator, left: Typed, right: Typed, at: Place): string {
  if (isText(left.type) && isText(right.type)) return textComparison(operator, left, right)
  const [l, r] = [comparable(left, right.type, at), comparable(right, left.type, at)]
  return `(${l} ${operator} ${r})`
}

function textComparison(operator: ComparisonOperator, left: Typed, right: Typed): string {
  const [l, r] = [comparisonForm(left.sql), comparisonForm(right.sql)]
  return `(${l} ${operator} ${r})`
}

function comparable(value: Typed, other: SqlType, at: Place): string {
  if (value.type.kind === 'null' || other.kind === 'null' || value.type.kind === other.kind) return value.sql
  if (isText(value.type)) return convert(value, comparisonType(other)).sql
  if (isText(other)) return value.sql
  const areAlike = (isNumeric(value.type) && isNumeric(other)) || (isDateOrTime(value.type) && isDateOrTime(other))
  if (areAlike) return value.sql
  throw new SqlError(206, `Operand type clash: ${typeName(value.type)} is incompatible with ${typeName(other)}`, {
    line: at.line,
  })
}

/** A text compared with a decimal keeps all its digits. */
function comparisonType(other: SqlType): SqlType {
  if (other.kind === 'decimal' || other.kind === 'money') return { kind: 'decimal', precision: 38, scale: 10 }
  return other.kind === 'float' ? FLOAT : other
}
