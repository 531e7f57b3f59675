import { SqlError } from '../sql-error.ts'
import { type SqlType, typeName } from '../sql-type.ts'
import { dateToText, textToTimestamp } from './date-styles.ts'
import { isDateOrTime, isNumeric, postgresType, type TextType, type Typed } from './typed.ts'

/** `value` as `type`, by SQL Server's rules. Throws SqlError 529 where no conversion exists. */
export function convert(value: Typed, type: SqlType, style?: number): Typed {
  return { sql: conversion(value, type, style), type }
}

/** As `convert`, but leaves alone what already has the type. */
export function convertIfNeeded(value: Typed, type: SqlType): Typed {
  return JSON.stringify(value.type) === JSON.stringify(type) ? value : convert(value, type)
}

function conversion(value: Typed, type: SqlType, style: number | undefined): string {
  if (value.type.kind === 'null' || type.kind === 'null') return `(${value.sql})::${postgresType(type)}`
  switch (type.kind) {
    case 'text':
      return toText(value, type, style)
    case 'bit':
      return toBit(value)
    case 'integer':
      return toInteger(value, postgresType(type))
    case 'float':
    case 'decimal':
    case 'money':
      return toNumber(value, type)
    case 'binary':
      return toBinary(value, type)
    case 'uniqueidentifier':
      if (value.type.kind !== 'text' && value.type.kind !== type.kind) throw notAllowed(value.type, type)
      return `(${value.sql})::uuid`
    default:
      return toDateOrTime(value, type, style)
  }
}

const notAllowed = (from: SqlType, to: SqlType): SqlError =>
  new SqlError(529, `Explicit conversion from data type ${typeName(from)} to ${typeName(to)} is not allowed.`)

function toText(value: Typed, type: TextType, style: number | undefined): string {
  const full = textForm(value, type, style)
  if (type.length === 'max') return full
  const cut = `left(${full}, ${type.length})`
  return type.fixed ? `rpad(${cut}, ${type.length})` : cut
}

function textForm({ sql, type }: Typed, target: TextType, style: number | undefined): string {
  switch (type.kind) {
    case 'text':
      return `(${sql})`
    case 'bit':
      return `(${sql})::text`
    case 'integer':
      return integerText(sql, target)
    case 'decimal':
      return withRoom(`(${sql})::${postgresType(type)}::text`, type.precision + 3, target)
    case 'money':
      return withRoom(moneyText(`(${sql})::numeric`, style), 22, target)
    case 'float':
      return floatText(`(${sql})::double precision`, style)
    case 'uniqueidentifier':
      return `upper((${sql})::text)`
    case 'binary':
      return `convert_from(${sql}, 'WIN1252')`
    case 'null':
      return `(${sql})::text`
    default:
      return dateToText(`(${sql})`, type, style)
  }
}

/** An integer too long for its text becomes a star in varchar. */
function integerText(sql: string, target: TextType): string {
  const text = `(${sql})::text`
  if (target.length === 'max' || target.length >= 20) return text
  return `(case when length(${text}) > ${target.length} then '*' else ${text} end)`
}

/** A decimal too long for its text is an arithmetic overflow, made here by a number too large for its own type. */
function withRoom(text: string, longest: number, target: TextType): string {
  if (target.length === 'max' || target.length >= longest) return text
  const overflow = `(length(${text}) + 1000000)::numeric(1,0)::text`
  return `(case when length(${text}) > ${target.length} then ${overflow} else ${text} end)`
}

/** Rounded to hundredths, unless a style asks for all four places. */
function moneyText(sql: string, style: number | undefined): string {
  return `round(${sql}, ${style === 2 || style === 126 ? 4 : 2})::text`
}

/** Six digits, as C's %g prints them, with three digits of exponent; in style 2 always sixteen and the exponent. */
function floatText(sql: string, style: number | undefined): string {
  if (style === 2) return `regexp_replace(ltrim(to_char(${sql}, '0.000000000000000EEEE')), '(..)$', '0\\1')`
  const exponent = `floor(log(abs((${sql})::numeric)))::integer`
  const plain = `trim_scale(round((${sql})::numeric, 5 - ${exponent}))::text`
  const mantissa = `trim_scale(round((${sql})::numeric / power(10::numeric, ${exponent}), 5))::text`
  const sign = `(case when ${exponent} < 0 then 'e-' else 'e+' end)`
  const scientific = `${mantissa} || ${sign} || lpad(abs(${exponent})::text, 3, '0')`
  return `(case when ${sql} = 0 then '0' when abs(${sql}) >= 0.0001 and abs(${sql}) < 999999.5 then ${plain} else ${scientific} end)`
}

function toBit({ sql, type }: Typed): string {
  if (isNumeric(type)) return `((${sql}) <> 0)::integer`
  if (type.kind !== 'text') throw notAllowed(type, { kind: 'bit' })
  return `(case lower(trim(${sql})) when 'true' then 1 when 'false' then 0 else ((${sql})::integer <> 0)::integer end)`
}

function toInteger({ sql, type }: Typed, target: string): string {
  if (type.kind === 'integer' || type.kind === 'bit') return `(${sql})::${target}`
  // Fractions are cut off; money alone is rounded.
  if (type.kind === 'decimal' || type.kind === 'float') return `trunc((${sql})::numeric)::${target}`
  if (type.kind === 'money') return `round((${sql})::numeric)::${target}`
  if (type.kind !== 'text') throw notAllowed(type, { kind: 'integer', bytes: 4 })
  return `(case when trim(${sql}) = '' then '0' else trim(${sql}) end)::${target}`
}

function toNumber({ sql, type }: Typed, target: SqlType): string {
  if (!isNumeric(type) && type.kind !== 'text') throw notAllowed(type, target)
  return `(${sql})::${postgresType(target)}`
}

function toBinary({ sql, type }: Typed, target: Extract<SqlType, { kind: 'binary' }>): string {
  if (type.kind !== 'binary') throw notAllowed(type, target)
  return target.length === 'max' ? sql : `substring(${sql} from 1 for ${target.length})`
}

function toDateOrTime(value: Typed, target: SqlType, style: number | undefined): string {
  if (!isDateOrTime(value.type) && value.type.kind !== 'text') throw notAllowed(value.type, target)
  const isText = value.type.kind === 'text'
  if (target.kind === 'time') return isText ? `(${value.sql})::time` : `(${value.sql})::${postgresType(target)}`
  const moment = isText && target.kind !== 'datetimeoffset' ? textToTimestamp(value.sql, style) : `(${value.sql})`
  if (target.kind === 'smalldatetime') return `date_trunc('minute', ${moment}::timestamp + interval '30 seconds')`
  if (target.kind !== 'datetime' || value.type.kind === 'date') return `${moment}::${postgresType(target)}`
  return toThreeHundredths(`${moment}::timestamp`)
}

/** `datetime` has a clock of 300 ticks a second, so milliseconds end in 0, 3 or 7. */
export function toThreeHundredths(sql: string): string {
  return `(timestamp 'epoch' + round(extract(epoch from ${sql}) * 300) / 300 * interval '1 second')::timestamp(3)`
}
