import { DatabaseError } from 'pg'
import { SqlError } from '../sql-error.ts'

/** What PostgreSQL complains of, as SQL Server would have said it. Errors of our own pass through. */
export function toSqlError(error: unknown, line: number): SqlError {
  if (error instanceof SqlError) return error
  if (!(error instanceof DatabaseError)) {
    const message = 'The simulator cannot reach its database.'
    return new SqlError(50_000, message, { severity: 20, line, cause: error })
  }
  const translate = TRANSLATIONS.get(error.code ?? '')
  const [number, message] = translate?.(error) ?? [
    50_000,
    `The simulator could not run this statement: ${error.message}`,
  ]
  return new SqlError(number, message, { line, cause: error })
}

type Translation = (error: DatabaseError) => [number: number, message: string]

const TRANSLATIONS = new Map<string, Translation>([
  ['22012', () => [8134, 'Divide by zero error encountered.']],
  ['22P02', invalidText],
  ['22003', outOfRange],
  ['22007', () => [241, 'Conversion failed when converting date and/or time from character string.']],
  [
    '22008',
    () => [242, 'The conversion of a varchar data type to a datetime data type resulted in an out-of-range value.'],
  ],
  ['22001', () => [2628, 'String or binary data would be truncated.']],
  ['42803', notGrouped],
  ['21000', () => [512, 'Subquery returned more than 1 value. This is not permitted here.']],
  ['23502', (error) => [515, `Cannot insert the value NULL into column '${error.column ?? ''}'.`]],
  ['23505', () => [2627, 'Violation of a unique constraint. Cannot insert duplicate key.']],
])

/** PostgreSQL's own words may be in any language; the value in quotes and the C function that complained are not. */
function invalidText(error: DatabaseError): [number, string] {
  const value = quotedValue(error)
  const routine = error.routine ?? ''
  if (routine.includes('uuid')) {
    return [8169, 'Conversion failed when converting from a character string to uniqueidentifier.']
  }
  if (routine.includes('numeric') || routine.includes('var'))
    return [8114, 'Error converting data type nvarchar to numeric.']
  if (routine.includes('float')) return [8114, 'Error converting data type nvarchar to float.']
  return [245, `Conversion failed when converting the nvarchar value '${value}' to data type int.`]
}

function outOfRange(error: DatabaseError): [number, string] {
  const isFromText = /strtoint|int\d?in/.test(error.routine ?? '')
  if (isFromText) return [248, `The conversion of the nvarchar value '${quotedValue(error)}' overflowed an int column.`]
  const type = (error.routine ?? '').startsWith('int') || (error.routine ?? '').includes('_int') ? 'int' : 'numeric'
  return [8115, `Arithmetic overflow error converting expression to data type ${type}.`]
}

const quotedValue = (error: DatabaseError): string => /["«“](.*)["»”]/s.exec(error.message)?.[1] ?? ''

function notGrouped(error: DatabaseError): [number, string] {
  const column = quotedValue(error).replace(/^s\d+\./, '')
  return [
    8120,
    `Column '${column}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.`,
  ]
}
