import { INT, nvarchar, type SqlType, varchar } from '../sql-type.ts'

/** An expression in PostgreSQL's language with the type that SQL Server gives it. */
export interface Typed {
  readonly sql: string
  readonly type: SqlType
  /** Of an integer that the statement spells out: beside a decimal it is only as precise as it is written. */
  readonly literalDigits?: number
}

export type TextType = Extract<SqlType, { kind: 'text' }>
export type DecimalType = Extract<SqlType, { kind: 'decimal' }>

/** From the strongest to the weakest: where two types meet, the weaker converts to the stronger. */
const PRECEDENCE: readonly SqlType['kind'][] = [
  'datetimeoffset',
  'datetime2',
  'datetime',
  'smalldatetime',
  'date',
  'time',
  'float',
  'decimal',
  'money',
  'integer',
  'bit',
  'uniqueidentifier',
  'text',
  'binary',
  'null',
]

const NUMERIC_KINDS = new Set<SqlType['kind']>(['float', 'decimal', 'money', 'integer', 'bit'])
const DATE_KINDS = new Set<SqlType['kind']>([
  'datetimeoffset',
  'datetime2',
  'datetime',
  'smalldatetime',
  'date',
  'time',
])

export const isNumeric = (type: SqlType): boolean => NUMERIC_KINDS.has(type.kind)
export const isDateOrTime = (type: SqlType): boolean => DATE_KINDS.has(type.kind)
export const isText = (type: SqlType): type is TextType => type.kind === 'text'

/** The type in which all of them can stand: of a CASE, a COALESCE, a column of a UNION. */
export function commonType(types: readonly SqlType[]): SqlType {
  return types.reduce(strongerType, { kind: 'null' })
}

function strongerType(left: SqlType, right: SqlType): SqlType {
  const [strong, weak] = PRECEDENCE.indexOf(left.kind) <= PRECEDENCE.indexOf(right.kind) ? [left, right] : [right, left]
  if (strong.kind === 'decimal') return widerDecimal(strong, asDecimal(weak))
  if (strong.kind === 'text' && weak.kind === 'text') return longerText(strong, weak)
  if ('bytes' in strong && strong.kind === weak.kind) return strong.bytes >= weak.bytes ? strong : weak
  if ('scale' in strong && strong.kind === weak.kind) return strong.scale >= weak.scale ? strong : weak
  return strong
}

/** The decimal that holds every value of a number type exactly; of other types nothing is known. */
export function asDecimal(type: SqlType): DecimalType {
  switch (type.kind) {
    case 'decimal':
      return type
    case 'integer':
      return { kind: 'decimal', precision: { 1: 3, 2: 5, 4: 10, 8: 19 }[type.bytes], scale: 0 }
    case 'money':
      return { kind: 'decimal', precision: type.bytes === 8 ? 19 : 10, scale: 4 }
    default:
      return { kind: 'decimal', precision: 1, scale: 0 }
  }
}

function widerDecimal(left: DecimalType, right: DecimalType): DecimalType {
  const scale = Math.max(left.scale, right.scale)
  const whole = Math.max(left.precision - left.scale, right.precision - right.scale)
  return { kind: 'decimal', precision: Math.min(38, whole + scale), scale: Math.min(scale, 38) }
}

function longerText(left: TextType, right: TextType): SqlType {
  const length = left.length === 'max' || right.length === 'max' ? 'max' : Math.max(left.length, right.length)
  return textOf(left.unicode || right.unicode, length)
}

export function textOf(isUnicode: boolean, length: number | 'max'): SqlType {
  return isUnicode ? nvarchar(length) : varchar(length)
}

/** How PostgreSQL holds the type. Bits are integers, because T-SQL computes with them. */
export function postgresType(type: SqlType): string {
  switch (type.kind) {
    case 'bit':
      return 'integer'
    case 'integer':
      return { 1: 'smallint', 2: 'smallint', 4: 'integer', 8: 'bigint' }[type.bytes]
    case 'float':
      return type.bytes === 4 ? 'real' : 'double precision'
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`
    case 'money':
      return 'numeric(19,4)'
    case 'datetime':
      return 'timestamp(3)'
    case 'smalldatetime':
      return 'timestamp(0)'
    case 'datetime2':
      return `timestamp(${Math.min(6, type.scale)})`
    case 'datetimeoffset':
      return `timestamptz(${Math.min(6, type.scale)})`
    case 'time':
      return `time(${Math.min(6, type.scale)})`
    case 'date':
      return 'date'
    case 'uniqueidentifier':
      return 'uuid'
    case 'binary':
      return 'bytea'
    case 'text':
    case 'null':
      return 'text'
  }
}

/** An untyped NULL leaves SQL Server as int. */
export const resultType = (type: SqlType): SqlType => (type.kind === 'null' ? INT : type)

export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'::text`
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * The form in which two texts are compared: French_CI_AS ignores case, and comparisons ignore trailing blanks.
 * An index on just this expression serves them.
 */
export const comparisonForm = (textSql: string): string => `lower(rtrim(${textSql}))`
