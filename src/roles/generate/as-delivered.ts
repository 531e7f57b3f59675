import { findSourceTable, type SourceType } from '#src/simulators/sic/data/tables.ts'

/** A row of the sources as their SQL Server hands it to the product: every value a text, in the form of its column's type. */
export function asDelivered(
  tableName: string,
  row: Readonly<Record<string, string | null>>,
): Record<string, string | null> {
  const table = findSourceTable(tableName)
  if (table === undefined) throw new Error(`no source table ${tableName}`)
  return Object.fromEntries(table.columns.map(({ name, type }) => [name, textOf(type, row[name] ?? null)]))
}

function textOf(type: SourceType, value: string | null): string | null {
  if (value === null) return null
  switch (type.kind) {
    case 'decimal':
      return Number(value).toFixed(type.scale)
    case 'datetime':
      // Style 126 of CONVERT leaves the milliseconds out when they are zero.
      return value.replace(' ', 'T').replace(/\.000$/, '')
    case 'text':
    case 'integer':
    case 'bigint':
    case 'date':
      return value
  }
}
