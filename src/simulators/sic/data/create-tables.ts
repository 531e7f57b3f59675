import { type Kysely, sql } from 'kysely'
import { type SourceTable, type SourceType, sourceTables } from './tables.ts'

export function postgresType(type: SourceType): string {
  switch (type.kind) {
    case 'text':
      return `varchar(${type.length})`
    case 'decimal':
      return `numeric(${type.precision}, ${type.scale})`
    case 'datetime':
      return 'timestamp(3)'
    default:
      return type.kind
  }
}

/** Makes one schema per source database and every table that is not there yet. */
export async function createSourceTables(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Two simulators starting on one database would otherwise trip over each other's half-made schema.
    await sql`select pg_advisory_xact_lock(hashtext('samaconso source tables'))`.execute(tx)
    for (const database of new Set(sourceTables.map((table) => table.database))) {
      await sql`create schema if not exists ${sql.id(database)}`.execute(tx)
    }
    for (const table of sourceTables) await createTable(tx, table)
  })
}

async function createTable(db: Kysely<unknown>, table: SourceTable): Promise<void> {
  const target = sql.id(table.database, table.name)
  const definitions = table.columns.map(
    (column) =>
      sql`${sql.id(column.name)} ${sql.raw(postgresType(column.type))} ${sql.raw(column.required ? 'not null' : '')}`,
  )
  await sql`create table if not exists ${target} (${sql.join(definitions)})`.execute(db)
  for (const [position, names] of table.indexes.entries()) {
    const index = sql.id(`${table.name}_${position + 1}`)
    const keys = sql.join(names.map((name) => indexKey(table, name)))
    await sql`create index if not exists ${index} on ${target} (${keys})`.execute(db)
  }
}

/** As the simulator compares: texts without regard to case and trailing blanks. */
function indexKey(table: SourceTable, name: string) {
  const column = table.columns.find((candidate) => candidate.name === name)
  return column?.type.kind === 'text' ? sql`lower(rtrim(${sql.id(name)}))` : sql.id(name)
}
