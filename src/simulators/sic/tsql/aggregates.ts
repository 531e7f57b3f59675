import { SqlError, unknownFunction } from '../sql-error.ts'
import { BIGINT, FLOAT, INT, MONEY, type SqlType } from '../sql-type.ts'
import { convert } from './conversions.ts'
import type { FunctionCall } from './syntax.ts'
import { asDecimal, type Typed } from './typed.ts'

export function isAggregate(name: string): boolean {
  return AGGREGATES.has(name)
}

/** Functions of a whole group or window, by the SQL type of their one parameter. */
const AGGREGATES = new Map<string, (value: Typed | undefined, sql: string) => Typed>([
  ['COUNT', (_, sql) => ({ sql: `(${sql})::integer`, type: INT })],
  ['COUNT_BIG', (_, sql) => ({ sql, type: BIGINT })],
  ['MIN', (value, sql) => ({ sql, type: value?.type ?? INT })],
  ['MAX', (value, sql) => ({ sql, type: value?.type ?? INT })],
  ['SUM', (value, sql) => sumOf(value?.type ?? INT, sql)],
  ['AVG', (value, sql) => averageOf(value?.type ?? INT, sql)],
  ['ROW_NUMBER', (_, sql) => ({ sql, type: BIGINT })],
  ['RANK', (_, sql) => ({ sql, type: BIGINT })],
  ['DENSE_RANK', (_, sql) => ({ sql, type: BIGINT })],
])

/** @param window the OVER part in PostgreSQL's language, or empty */
export function aggregate(call: FunctionCall, value: Typed | undefined, window: string): Typed {
  const build = AGGREGATES.get(call.name)
  if (build === undefined) throw unknownFunction(call.name, call.at.line)
  const inner = call.isStar ? '*' : `${call.isDistinct ? 'distinct ' : ''}${value?.sql ?? ''}`
  const name = call.name === 'COUNT_BIG' ? 'count' : call.name.toLowerCase()
  return build(value, `${name}(${inner})${window}`)
}

function sumOf(type: SqlType, sql: string): Typed {
  if (type.kind === 'integer')
    return { sql: `(${sql})::${type.bytes === 8 ? 'bigint' : 'integer'}`, type: type.bytes === 8 ? BIGINT : INT }
  if (type.kind === 'decimal') return { sql, type: { kind: 'decimal', precision: 38, scale: type.scale } }
  if (type.kind === 'money') return { sql, type: MONEY }
  if (type.kind === 'float') return { sql: `(${sql})::double precision`, type: FLOAT }
  throw new SqlError(8117, 'Operand data type is invalid for sum operator.')
}

function averageOf(type: SqlType, sql: string): Typed {
  if (type.kind === 'integer') return convert({ sql, type: asDecimal(BIGINT) }, type.bytes === 8 ? BIGINT : INT)
  if (type.kind === 'decimal') {
    const scale = Math.max(6, type.scale)
    return { sql: `trunc(${sql}, ${scale})`, type: { kind: 'decimal', precision: 38, scale } }
  }
  if (type.kind === 'money') return { sql: `round(${sql}, 4)`, type: MONEY }
  if (type.kind === 'float') return { sql: `(${sql})::double precision`, type: FLOAT }
  throw new SqlError(8117, 'Operand data type is invalid for avg operator.')
}
