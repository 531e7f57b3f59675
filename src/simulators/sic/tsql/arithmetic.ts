import { SqlError } from '../sql-error.ts'
import { FLOAT, INT, MONEY, type SqlType, typeName } from '../sql-type.ts'
import { convert } from './conversions.ts'
import type { ArithmeticOperator, Place } from './syntax.ts'
import {
  asDecimal,
  commonType,
  type DecimalType,
  isDateOrTime,
  isNumeric,
  isText,
  textOf,
  type Typed,
} from './typed.ts'

const OPERATOR_NAMES = { '+': 'add', '-': 'subtract', '*': 'multiply', '/': 'divide', '%': 'modulo' } as const

/** `left operator right` with SQL Server's result type: integers divide to integers, decimals grow by rule. */
export function arithmetic(operator: ArithmeticOperator, left: Typed, right: Typed, at: Place): Typed {
  const hasText = isText(left.type) || isText(right.type)
  if (operator === '+' && hasText && [left, right].every(({ type }) => isText(type) || type.kind === 'null')) {
    return concatenation(left, right)
  }
  if (isDateOrTime(left.type) || isDateOrTime(right.type)) return dateArithmetic(operator, left, right, at)
  const [l, r] = [asNumber(left, right.type), asNumber(right, left.type)]
  if (!isNumeric(l.type) || !isNumeric(r.type)) throw incompatible(operator, left.type, right.type, at)
  return numberArithmetic(operator, l, r)
}

function incompatible(operator: ArithmeticOperator, left: SqlType, right: SqlType, at: Place): SqlError {
  const types = `${typeName(left)} and ${typeName(right)}`
  return new SqlError(402, `The data types ${types} are incompatible in the ${OPERATOR_NAMES[operator]} operator.`, {
    line: at.line,
  })
}

function concatenation(left: Typed, right: Typed): Typed {
  const lengths = [left.type, right.type].map((type) => (isText(type) ? type.length : 1))
  const isMax = lengths.includes('max')
  const sum = lengths.reduce<number>((total, length) => total + (length === 'max' ? 0 : length), 0)
  const isUnicode = [left.type, right.type].some((type) => isText(type) && type.unicode)
  return { sql: `(${left.sql} || ${right.sql})`, type: textOf(isUnicode, isMax ? 'max' : sum) }
}

/** A text beside a number becomes that number's type; NULL becomes whatever stands beside it. */
function asNumber(value: Typed, other: SqlType): Typed {
  const target = isNumeric(other) ? other : INT
  if (value.type.kind === 'null') return { sql: `(${value.sql})::integer`, type: target }
  if (value.type.kind === 'bit') return { sql: value.sql, type: INT }
  return isText(value.type) && isNumeric(other) ? convert(value, target) : value
}

/** The old `datetime` counts in days when numbers are added to it; the newer types refuse. */
function dateArithmetic(operator: ArithmeticOperator, left: Typed, right: Typed, at: Place): Typed {
  const isAllowed = left.type.kind === 'datetime' && isNumeric(right.type) && (operator === '+' || operator === '-')
  if (!isAllowed) throw incompatible(operator, left.type, right.type, at)
  return { sql: `(${left.sql} ${operator} (${right.sql}) * interval '1 day')::timestamp(3)`, type: left.type }
}

function numberArithmetic(operator: ArithmeticOperator, left: Typed, right: Typed): Typed {
  const common = commonType([left.type, right.type])
  const plain = `(${left.sql} ${operator} ${right.sql})`
  if (common.kind === 'integer' || common.kind === 'bit') return { sql: plain, type: common }
  if (common.kind === 'float') return floatArithmetic(operator, left, right)
  if (common.kind === 'money') return { sql: `round(${plain}::numeric, 4)`, type: MONEY }
  const type = decimalResult(operator, decimalOperand(left), decimalOperand(right))
  const exact = `(${left.sql}::numeric ${operator} ${right.sql}::numeric)`
  if (operator === '/') return { sql: `trunc(${exact}, ${type.scale})`, type }
  return { sql: type.precision === 38 ? `round(${exact}, ${type.scale})` : exact, type }
}

function decimalOperand({ type, literalDigits }: Typed): DecimalType {
  return literalDigits === undefined ? asDecimal(type) : { kind: 'decimal', precision: literalDigits, scale: 0 }
}

function floatArithmetic(operator: ArithmeticOperator, left: Typed, right: Typed): Typed {
  const [l, r] = [`(${left.sql})::double precision`, `(${right.sql})::double precision`]
  if (operator === '%') return { sql: `mod(${l}::numeric, ${r}::numeric)::double precision`, type: FLOAT }
  return { sql: `(${l} ${operator} ${r})`, type: FLOAT }
}

const LARGEST_PRECISION = 38
const KEPT_SCALE = 6

function decimalResult(operator: ArithmeticOperator, left: DecimalType, right: DecimalType): DecimalType {
  const scale = resultScale(operator, left, right)
  const whole = resultWholeDigits(operator, left, right)
  if (whole + scale <= LARGEST_PRECISION) return { kind: 'decimal', precision: whole + scale, scale }
  // Beyond 38 digits the scale gives way: of products and quotients down to six, of sums as far as the carry's digit.
  const isProduct = operator === '*' || operator === '/'
  const least = isProduct ? Math.min(scale, KEPT_SCALE) : 0
  const room = LARGEST_PRECISION - (isProduct ? whole : whole - 1)
  return { kind: 'decimal', precision: LARGEST_PRECISION, scale: Math.max(least, Math.min(scale, room)) }
}

function resultScale(operator: ArithmeticOperator, left: DecimalType, right: DecimalType): number {
  if (operator === '*') return left.scale + right.scale
  if (operator === '/') return Math.max(KEPT_SCALE, left.scale + right.precision + 1)
  return Math.max(left.scale, right.scale)
}

function resultWholeDigits(operator: ArithmeticOperator, left: DecimalType, right: DecimalType): number {
  const [l, r] = [left.precision - left.scale, right.precision - right.scale]
  if (operator === '*') return l + r + 1
  if (operator === '/') return l + right.scale
  return operator === '%' ? Math.min(l, r) : Math.max(l, r) + 1
}
