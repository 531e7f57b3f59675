/**
 * The SQL Server types that the simulator knows. Values travel between PostgreSQL, the translator and the wire as
 * text in PostgreSQL's own spelling (`113.90`, `2026-01-31 10:00:00.123`, bits as `0` and `1`), so that no decimal
 * ever passes through a binary float.
 */
export type SqlType =
  | { readonly kind: 'null' }
  | { readonly kind: 'bit' }
  | { readonly kind: 'integer'; readonly bytes: 1 | 2 | 4 | 8 }
  | { readonly kind: 'float'; readonly bytes: 4 | 8 }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'money'; readonly bytes: 4 | 8 }
  | { readonly kind: 'datetime' }
  | { readonly kind: 'smalldatetime' }
  | { readonly kind: 'datetime2'; readonly scale: number }
  | { readonly kind: 'datetimeoffset'; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly scale: number }
  | { readonly kind: 'text'; readonly unicode: boolean; readonly fixed: boolean; readonly length: number | 'max' }
  | { readonly kind: 'uniqueidentifier' }
  | { readonly kind: 'binary'; readonly fixed: boolean; readonly length: number | 'max' }

/** A value as text, in the spelling above; null is SQL's NULL. */
export type SqlValue = string | null

export const INT: SqlType = { kind: 'integer', bytes: 4 }
export const BIGINT: SqlType = { kind: 'integer', bytes: 8 }
export const FLOAT: SqlType = { kind: 'float', bytes: 8 }
export const MONEY: SqlType = { kind: 'money', bytes: 8 }
export const DATETIME: SqlType = { kind: 'datetime' }
export const DATE: SqlType = { kind: 'date' }

export function nvarchar(length: number | 'max'): SqlType {
  return { kind: 'text', unicode: true, fixed: false, length: length === 'max' || length > 4000 ? 'max' : length }
}

export function varchar(length: number | 'max'): SqlType {
  return { kind: 'text', unicode: false, fixed: false, length: length === 'max' || length > 8000 ? 'max' : length }
}

const INTEGER_NAMES = { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' } as const

/** The name as SQL Server's messages print it, without length. */
export function typeName(type: SqlType): string {
  switch (type.kind) {
    case 'integer':
      return INTEGER_NAMES[type.bytes]
    case 'float':
      return type.bytes === 4 ? 'real' : 'float'
    case 'decimal':
      return 'numeric'
    case 'money':
      return type.bytes === 4 ? 'smallmoney' : 'money'
    case 'text':
      return `${type.unicode ? 'n' : ''}${type.fixed ? 'char' : 'varchar'}`
    case 'binary':
      return type.fixed ? 'binary' : 'varbinary'
    case 'null':
      return 'NULL'
    default:
      return type.kind
  }
}

/**
 * The type that `name(first, second)` declares, or undefined when SQL Server has no such type (or we do not know it).
 * @param defaultLength of character types without a length: 1 in a declaration, 30 in CAST and CONVERT
 */
export function typeFromName(
  name: string,
  sizes: readonly (number | 'max')[],
  defaultLength: number,
): SqlType | undefined {
  const [first, second] = sizes
  const scale = typeof first === 'number' ? first : 7
  const length = first ?? defaultLength
  switch (name.toLowerCase()) {
    case 'bit':
      return { kind: 'bit' }
    case 'tinyint':
      return { kind: 'integer', bytes: 1 }
    case 'smallint':
      return { kind: 'integer', bytes: 2 }
    case 'int':
    case 'integer':
      return INT
    case 'bigint':
      return BIGINT
    case 'float':
      return typeof first === 'number' && first <= 24 ? { kind: 'float', bytes: 4 } : FLOAT
    case 'real':
      return { kind: 'float', bytes: 4 }
    case 'decimal':
    case 'dec':
    case 'numeric':
      return decimalOf(typeof first === 'number' ? first : 18, typeof second === 'number' ? second : 0)
    case 'money':
      return MONEY
    case 'smallmoney':
      return { kind: 'money', bytes: 4 }
    case 'datetime':
      return DATETIME
    case 'smalldatetime':
      return { kind: 'smalldatetime' }
    case 'datetime2':
      return { kind: 'datetime2', scale }
    case 'datetimeoffset':
      return { kind: 'datetimeoffset', scale }
    case 'date':
      return DATE
    case 'time':
      return { kind: 'time', scale }
    case 'char':
    case 'character':
      return { kind: 'text', unicode: false, fixed: true, length }
    case 'nchar':
      return { kind: 'text', unicode: true, fixed: true, length }
    case 'varchar':
      return varchar(length)
    case 'nvarchar':
    case 'sysname':
      return nvarchar(name.toLowerCase() === 'sysname' ? 128 : length)
    case 'text':
      return varchar('max')
    case 'ntext':
      return nvarchar('max')
    case 'uniqueidentifier':
      return { kind: 'uniqueidentifier' }
    case 'binary':
      return { kind: 'binary', fixed: true, length }
    case 'varbinary':
      return { kind: 'binary', fixed: false, length }
    case 'image':
      return { kind: 'binary', fixed: false, length: 'max' }
    default:
      return undefined
  }
}

function decimalOf(precision: number, scale: number): SqlType | undefined {
  const isPossible = precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision
  return isPossible ? { kind: 'decimal', precision, scale } : undefined
}
