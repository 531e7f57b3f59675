import { type Kysely, sql } from 'kysely'
import { postgresType } from './create-tables.ts'
import type { SourceTable } from './tables.ts'

/** A row of a source table in the order of its columns, each value as PostgreSQL reads it from text. */
export type SourceRow = readonly (string | null)[]

const BATCH = 1000

/** One array per column keeps the statement at a few parameters, whatever the number of rows. */
export async function insertRows(db: Kysely<unknown>, table: SourceTable, rows: readonly SourceRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH)
    const names = table.columns.map((column) => sql.id(column.name))
    const arrays = table.columns.map((column, place) => {
      const values = batch.map((row) => row[place] ?? null)
      return sql`${sql.val(values)}::${sql.raw(postgresType(column.type))}[]`
    })
    await sql`insert into ${sql.id(table.database, table.name)} (${sql.join(names)})
      select * from unnest(${sql.join(arrays)})`.execute(db)
  }
}

/** Puts named values into the order of the columns; a column without a value is null. */
export function rowOf(table: SourceTable, values: Readonly<Record<string, string | null>>): SourceRow {
  return table.columns.map((column) => values[column.name] ?? null)
}
