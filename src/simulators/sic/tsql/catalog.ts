import type { Pool } from 'pg'
import { BIGINT, DATE, DATETIME, FLOAT, INT, nvarchar, type SqlType } from '../sql-type.ts'

export interface CatalogColumn {
  readonly name: string
  readonly type: SqlType
  /** PostgreSQL holds it as boolean, and T-SQL sees a bit. */
  readonly isBoolean: boolean
}

export interface CatalogTable {
  readonly database: string
  readonly name: string
  readonly columns: readonly CatalogColumn[]
}

/** What the source databases hold: one PostgreSQL schema each, found without regard to case. */
export interface Catalog {
  database(name: string): string | undefined
  table(database: string, name: string): CatalogTable | undefined
}

interface CatalogRow {
  readonly database: string
  readonly table: string | null
  readonly column: string
  readonly type: string
  readonly modifier: number
}

const READ_CATALOG = `
  select n.nspname as database, c.relname as "table", a.attname as "column", t.typname as type, a.atttypmod as modifier
    from pg_namespace n
    left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_type t on t.oid = a.atttypid
   where n.nspname <> 'information_schema' and n.nspname <> 'public' and n.nspname not like 'pg\\_%'
   order by n.nspname, c.relname, a.attnum`

export async function readCatalog(pool: Pool): Promise<Catalog> {
  const { rows } = await pool.query<CatalogRow>(READ_CATALOG)
  const databases = new Map<string, string>()
  const tables = new Map<string, { database: string; name: string; columns: CatalogColumn[] }>()
  for (const row of rows) {
    databases.set(row.database.toLowerCase(), row.database)
    if (row.table === null) continue
    const key = tableKey(row.database, row.table)
    const table = tables.get(key) ?? { database: row.database, name: row.table, columns: [] }
    tables.set(key, table)
    table.columns.push({ name: row.column, type: fromPostgres(row), isBoolean: row.type === 'bool' })
  }
  return {
    database: (name) => databases.get(name.toLowerCase()),
    table: (database, name) => tables.get(tableKey(database, name)),
  }
}

const tableKey = (database: string, table: string): string => `${database.toLowerCase()}\0${table.toLowerCase()}`

/** How SQL Server would declare a column of this PostgreSQL type: `timestamp(3)` stands for datetime. */
function fromPostgres({ type, modifier }: CatalogRow): SqlType {
  switch (type) {
    case 'bool':
      return { kind: 'bit' }
    case 'int2':
      return { kind: 'integer', bytes: 2 }
    case 'int4':
      return INT
    case 'int8':
      return BIGINT
    case 'float4':
      return { kind: 'float', bytes: 4 }
    case 'float8':
      return FLOAT
    case 'numeric':
      return decimalFromModifier(modifier)
    case 'timestamp':
      return modifier === 3 ? DATETIME : { kind: 'datetime2', scale: modifier === -1 ? 6 : modifier }
    case 'timestamptz':
      return { kind: 'datetimeoffset', scale: modifier === -1 ? 6 : modifier }
    case 'date':
      return DATE
    case 'time':
      return { kind: 'time', scale: modifier === -1 ? 6 : modifier }
    case 'uuid':
      return { kind: 'uniqueidentifier' }
    case 'bytea':
      return { kind: 'binary', fixed: false, length: 'max' }
    case 'varchar':
      return nvarchar(modifier === -1 ? 'max' : modifier - MODIFIER_OFFSET)
    case 'bpchar':
      return { kind: 'text', unicode: true, fixed: true, length: modifier - MODIFIER_OFFSET }
    default:
      return nvarchar('max')
  }
}

/** PostgreSQL adds the size of a length field to the lengths that it stores. */
const MODIFIER_OFFSET = 4

function decimalFromModifier(modifier: number): SqlType {
  if (modifier === -1) return { kind: 'decimal', precision: 38, scale: 10 }
  const packed = modifier - MODIFIER_OFFSET
  return { kind: 'decimal', precision: Math.min(38, packed >> 16), scale: packed & 0x7ff }
}
