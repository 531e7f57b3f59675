import { SqlError, unknownColumn } from '../sql-error.ts'
import { findTable } from './bind-source.ts'
import { convertIfNeeded } from './conversions.ts'
import { Scope, type Translation } from './scope.ts'
import type { Statement } from './syntax.ts'
import { translateValue } from './translate-value.ts'
import { quoteName } from './typed.ts'

/** INSERT … VALUES in PostgreSQL's language. */
export function translateInsert(
  statement: Extract<Statement, { statement: 'insert' }>,
  translation: Translation,
): string {
  const table = findTable(statement.path, translation, statement.at)
  const names = statement.columns.length > 0 ? statement.columns : table.columns.map((column) => column.name)
  const columns = names.map((name) => {
    const column = table.columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
    if (column === undefined) throw unknownColumn(name, statement.at.line)
    return column
  })
  const rows = statement.rows.map((row) => {
    if (row.length !== columns.length) {
      const message =
        'There are fewer or more columns in the INSERT statement than values specified in the VALUES clause.'
      throw new SqlError(109, message, { severity: 15, line: statement.at.line })
    }
    const values = columns.map((column, index) => {
      const expression = row[index]
      if (expression === undefined) throw new TypeError('a row without a value that was counted')
      const { sql } = convertIfNeeded(translateValue(expression, new Scope(), translation), column.type)
      return column.isBoolean ? `(${sql} <> 0)` : sql
    })
    return `(${values.join(', ')})`
  })
  const list = columns.map((column) => quoteName(column.name)).join(', ')
  return `insert into ${quoteName(table.database)}.${quoteName(table.name)} (${list}) values ${rows.join(', ')}`
}
