import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type SourceDatabase, sourceDatabase } from '#test/support/source-database.ts'
import { type DemoTable, fillDemoSources, generateDemoSources } from './demo-sources.ts'
import { loadSourceCsv } from './load-csv.ts'

const options = { seed: 'demo', until: new Date('2026-11-22T12:00:00Z'), months: 12 }

function toCsv({ table, rows }: DemoTable): string {
  const lines = [table.columns.map((column) => column.name), ...rows]
  const quoted = (cell: string | null): string => (cell === null ? '' : `"${cell.replaceAll('"', '""')}"`)
  return lines.map((line) => line.map(quoted).join(';')).join('\r\n')
}

async function contentOf(source: SourceDatabase, { table }: DemoTable): Promise<unknown[]> {
  const found = await sql`select t::text as row from ${sql.id(table.database, table.name)} t order by 1`.execute(
    source.db,
  )
  return found.rows
}

test('what is exported from the demo world as CSV loads as the same world', async () => {
  await using filled = await sourceDatabase()
  await using loaded = await sourceDatabase()
  await fillDemoSources(filled.db, options)
  const tables = generateDemoSources(options)
  const folder = await mkdtemp(join(tmpdir(), 'samaconso-csv-'))
  try {
    for (const one of tables) await writeFile(join(folder, `${one.table.name}.csv`), toCsv(one))
    await loadSourceCsv(loaded.db, folder)
  } finally {
    await rm(folder, { recursive: true })
  }
  for (const one of tables) {
    const content = await contentOf(loaded, one)
    assert.ok(content.length > 0)
    assert.deepEqual(content, await contentOf(filled, one))
  }
})
