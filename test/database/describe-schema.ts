import pg from 'pg'

/**
 * The schema `public` of a database as text, always in the same order, so that what the migrations make can be
 * kept in the tree, read, and compared. Partitions are left out: their parent says it all.
 */
export async function describeSchema(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string; oid: number; partition_key: string | null }>(TABLES)
    const blocks: string[] = []
    for (const table of tables.rows) {
      const columns = await client.query<{ line: string }>(COLUMNS, [table.oid])
      const constraints = await client.query<{ line: string }>(CONSTRAINTS, [table.oid])
      const indexes = await client.query<{ line: string }>(INDEXES, [table.oid])
      const triggers = await client.query<{ line: string }>(TRIGGERS, [table.oid])
      const body = [...columns.rows, ...constraints.rows].map((row) => `  ${row.line}`).join(',\n')
      const partitioned = table.partition_key === null ? '' : ` partition by ${table.partition_key.toLowerCase()}`
      const lines = [
        `create table ${table.name} (`,
        body,
        `)${partitioned};`,
        ...[...indexes.rows, ...triggers.rows].map((row) => `${row.line};`),
      ]
      blocks.push(lines.join('\n'))
    }
    return `${HEADER}\n\n${blocks.join('\n\n')}\n`
  } finally {
    await client.end()
  }
}

const HEADER = '-- What migrations/ make, for reading. Made by `npm run generate`; `npm test` compares it.'

const TABLES = `
  select relname as name, oid, pg_get_partkeydef(oid) as partition_key from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    and relname <> 'schema_migration'
  order by relname`

const COLUMNS = `
  select concat_ws(' ', attname, format_type(atttypid, atttypmod), case when attnotnull then 'not null' end,
    case when attidentity <> '' then 'generated as identity' end,
    'default ' || pg_get_expr(adbin, adrelid)) as line
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`

const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
  from pg_constraint where conrelid = $1 order by contype = 'p' desc, conname`

const INDEXES = `
  select pg_get_indexdef(indexrelid) as line from pg_index
  where indrelid = $1 and not exists (select from pg_constraint where conindid = indexrelid) order by 1`

/** Not those that hold foreign keys. */
const TRIGGERS = `
  select pg_get_triggerdef(oid) as line from pg_trigger where tgrelid = $1 and not tgisinternal order by tgname`
