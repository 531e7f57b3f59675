import { incorrectSyntax } from '../sql-error.ts'
import { FLOAT, INT, nvarchar, type SqlType, varchar } from '../sql-type.ts'
import { arithmetic } from './arithmetic.ts'
import { convert, convertIfNeeded } from './conversions.ts'
import { datePartFunctions } from './date-functions.ts'
import { aggregate, isAggregate } from './aggregates.ts'
import { scalar } from './functions.ts'
import type { Scope, Translation } from './scope.ts'
import { sortKey } from './sort-key.ts'
import type { CaseExpression, Expression, FunctionCall } from './syntax.ts'
import { comparison, oneColumnExpected, translateCondition } from './translate-condition.ts'
import { translateQuery } from './translate-query.ts'
import { commonType, isText, quoteText, type Typed } from './typed.ts'

/** A value. A condition in its place is SqlError 102: T-SQL has no truth values. */
export function translateValue(expression: Expression, scope: Scope, translation: Translation): Typed {
  const value = (operand: Expression): Typed => translateValue(operand, scope, translation)
  switch (expression.node) {
    case 'number':
      return numberLiteral(expression.text)
    case 'string':
      return { sql: quoteText(expression.text), type: literalType(expression.text, expression.isUnicode) }
    case 'binary':
      return binaryLiteral(expression.text)
    case 'null':
      return { sql: 'null', type: { kind: 'null' } }
    case 'column':
      return scope.column(expression.path, expression.at)
    case 'variable':
      return expression.name.startsWith('@@')
        ? translation.globalVariable(expression.name, expression.at)
        : translation.bind(expression.name, expression.at)
    case 'negative':
      return negative(value(expression.operand))
    case 'arithmetic':
      return arithmetic(expression.operator, value(expression.left), value(expression.right), expression.at)
    case 'cast':
      return convert(value(expression.operand), expression.type, expression.style)
    case 'call':
      return call(expression, scope, translation)
    case 'case':
      return caseValue(expression, scope, translation)
    case 'subquery': {
      const query = translateQuery(expression.query, translation, scope)
      const [column] = query.columns
      if (column === undefined || query.columns.length > 1) throw oneColumnExpected(expression.at)
      return { sql: `(${query.sql})`, type: column.type }
    }
    default:
      throw incorrectSyntax(expression.at.near, expression.at.line)
  }
}

function numberLiteral(text: string): Typed {
  if (/e/i.test(text)) return { sql: `${text}::double precision`, type: FLOAT }
  if (!text.includes('.') && Number(text) <= 0x7fff_ffff) {
    const sql = String(BigInt(text))
    return { sql, type: INT, literalDigits: sql.length }
  }
  const [whole = '', fraction = ''] = text.replace(/^0+/, '').split('.')
  const scale = Math.min(38, fraction.length)
  const precision = Math.min(38, Math.max(1, whole.length + scale))
  return { sql: `${text}::numeric`, type: { kind: 'decimal', precision, scale } }
}

function literalType(text: string, isUnicode: boolean): SqlType {
  const length = Math.max(1, text.length)
  return isUnicode ? nvarchar(length) : varchar(length)
}

function binaryLiteral(text: string): Typed {
  const digits = text.slice(2)
  const even = digits.length % 2 === 0 ? digits : `0${digits}`
  const type: SqlType = { kind: 'binary', fixed: false, length: Math.max(1, even.length / 2) }
  return { sql: `'\\x${even}'::bytea`, type }
}

function negative(operand: Typed): Typed {
  return isText(operand.type)
    ? { sql: `(- ${convert(operand, INT).sql})`, type: INT }
    : { sql: `(- ${operand.sql})`, type: operand.type }
}

function call(expression: FunctionCall, scope: Scope, translation: Translation): Typed {
  const value = (operand: Expression): Typed => translateValue(operand, scope, translation)
  const ofDatePart = datePartFunctions.get(expression.name)
  if (ofDatePart !== undefined) return ofDatePart(expression.parameters, value)
  if (expression.name === 'IIF') return immediateIf(expression, scope, translation)
  const parameters = expression.parameters.map(value)
  if (!isAggregate(expression.name)) return scalar(expression, parameters, translation)
  const needsParameter = !expression.isStar && !/ROW_NUMBER|RANK/.test(expression.name)
  if (parameters.length !== (needsParameter ? 1 : 0)) throw incorrectSyntax(')', expression.at.line)
  return aggregate(expression, parameters[0], windowOf(expression, scope, translation))
}

function windowOf(expression: FunctionCall, scope: Scope, translation: Translation): string {
  const { over } = expression
  if (over === undefined) return ''
  const partition = over.partitionBy.map((item) => translateValue(item, scope, translation).sql)
  const order = over.orderBy.map((item) =>
    sortKey(translateValue(item.expression, scope, translation), item.isDescending),
  )
  const parts = [
    partition.length > 0 ? `partition by ${partition.join(', ')}` : '',
    order.length > 0 ? `order by ${order.join(', ')}` : '',
  ]
  return ` over (${parts.filter((part) => part !== '').join(' ')})`
}

function immediateIf(expression: FunctionCall, scope: Scope, translation: Translation): Typed {
  const [when, result, otherwise] = expression.parameters
  if (when === undefined || result === undefined || otherwise === undefined) {
    throw incorrectSyntax(')', expression.at.line)
  }
  const branches = [{ when, result }]
  return caseValue({ node: 'case', operand: undefined, branches, otherwise, at: expression.at }, scope, translation)
}

function caseValue(expression: CaseExpression, scope: Scope, translation: Translation): Typed {
  const value = (operand: Expression): Typed => translateValue(operand, scope, translation)
  const operand = expression.operand === undefined ? undefined : value(expression.operand)
  const results = expression.branches.map((branch) => value(branch.result))
  const otherwise = expression.otherwise === undefined ? undefined : value(expression.otherwise)
  const type = commonType([...results, ...(otherwise === undefined ? [] : [otherwise])].map((result) => result.type))
  const branches = expression.branches.map((branch, index) => {
    const condition =
      operand === undefined
        ? translateCondition(branch.when, scope, translation)
        : comparison('=', operand, value(branch.when), branch.when.at)
    const result = results[index]
    return `when ${condition} then ${result === undefined ? 'null' : convertIfNeeded(result, type).sql}`
  })
  const last = otherwise === undefined ? '' : ` else ${convertIfNeeded(otherwise, type).sql}`
  return { sql: `(case ${branches.join(' ')}${last} end)`, type }
}
