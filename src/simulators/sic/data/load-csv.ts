import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { type Kysely, sql } from 'kysely'
import { createSourceTables } from './create-tables.ts'
import { readCell } from './csv-value.ts'
import { insertRows, type SourceRow } from './insert-rows.ts'
import { findSourceTable, type SourceColumn, type SourceTable, sourceTables } from './tables.ts'

/** What is wrong with a file, and where: `line` counts from 1, the header is line 1. */
export class CsvLoadError extends Error {
  override readonly name = 'CsvLoadError'
  readonly file: string
  readonly line: number | undefined
  readonly column: string | undefined

  constructor(problem: string, at: { file: string; line?: number | undefined; column?: string | undefined }) {
    const line = at.line === undefined ? '' : `, line ${at.line}`
    const column = at.column === undefined ? '' : `, column ${JSON.stringify(at.column)}`
    super(`${at.file}${line}${column}: ${problem}`)
    this.file = at.file
    this.line = at.line
    this.column = at.column
  }
}

export interface LoadedTable {
  readonly file: string
  readonly table: string
  readonly rows: number
}

const BATCH = 1000
const HEADER_LIMIT = 64 * 1024
const UNREADABLE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM'])

/**
 * Makes the tables and loads every `TABLE.csv` of a folder, each in place of what its table held; other files are left alone. All or
 * nothing: one bad cell and the database stays as it was.
 *
 * The files are UTF-8, with or without a byte order mark, separated by `,` or `;` as their header shows. Decimals have
 * a point; in a file separated by `;` a comma will do as well. Columns may come in any order and, unless required,
 * be absent. Empty and `NULL` are null.
 */
export async function loadSourceCsv(db: Kysely<unknown>, dataDir: string): Promise<LoadedTable[]> {
  const files = await findFiles(dataDir)
  await createSourceTables(db)
  return db.transaction().execute(async (tx) => {
    const loaded: LoadedTable[] = []
    for (const { file, table } of files) {
      await sql`truncate ${sql.id(table.database, table.name)}`.execute(tx)
      loaded.push({ file, table: table.name, rows: await loadFile(tx, dataDir, file, table) })
    }
    return loaded
  })
}

async function findFiles(dataDir: string): Promise<{ file: string; table: SourceTable }[]> {
  const known = sourceTables.map((table) => table.name).join(', ')
  const entries = await readdir(dataDir).catch((error: unknown) => {
    throw translate(error, dataDir)
  })
  const names = entries.filter((name) => /\.csv$/i.test(name)).toSorted()
  if (names.length === 0) throw new CsvLoadError(`no CSV file; the tables are ${known}`, { file: dataDir })
  const found = names.map((file) => {
    const table = findSourceTable(file.slice(0, -'.csv'.length))
    if (table === undefined) throw new CsvLoadError(`no table has this name; the tables are ${known}`, { file })
    return { file, table }
  })
  for (const [place, { file, table }] of found.entries()) {
    const earlier = found.findIndex((other) => other.table === table)
    if (earlier < place) throw new CsvLoadError(`is a second file for table ${table.name}`, { file })
  }
  return found
}

async function loadFile(db: Kysely<unknown>, dataDir: string, file: string, table: SourceTable): Promise<number> {
  const path = join(dataDir, file)
  const delimiter = await findDelimiter(path).catch((error: unknown) => {
    throw translate(error, file)
  })
  const format = { decimalComma: delimiter === ';' }
  let header: readonly SourceColumn[] | undefined
  let batch: SourceRow[] = []
  let count = 0
  const records = parse({ delimiter, info: true, skip_empty_lines: true })

  async function takeRecords(source: AsyncIterable<{ record: string[]; info: { lines: number } }>): Promise<void> {
    for await (const { record, info } of source) {
      if (header === undefined) {
        header = readHeader(record, file, table)
        continue
      }
      batch.push(readRecord(record, header, { file, line: info.lines }, table, format))
      count += 1
      if (batch.length === BATCH) await flush()
    }
    await flush()
  }
  async function flush(): Promise<void> {
    await insertRows(db, table, batch)
    batch = []
  }

  try {
    await pipeline(createReadStream(path), decodeUtf8, records, takeRecords)
  } catch (error) {
    throw translate(error, file)
  }
  if (header === undefined) throw new CsvLoadError('is empty: a header line with the column names is needed', { file })
  return count
}

/** An export in another encoding must not reach the tables with its accents broken. */
async function* decodeUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

function translate(error: unknown, file: string): unknown {
  if (error instanceof CsvError) {
    const line = typeof error['lines'] === 'number' ? error['lines'] : undefined
    return new CsvLoadError(`is not CSV: ${error.message}`, { file, line })
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return new CsvLoadError('is not UTF-8 text', { file })
  const isUnreadable = typeof code === 'string' && UNREADABLE.has(code)
  return isUnreadable ? new CsvLoadError(`cannot be read: ${code}`, { file }) : error
}

async function findDelimiter(path: string): Promise<';' | ','> {
  await using handle = await open(path)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_LIMIT), 0, HEADER_LIMIT, 0)
  const [line = ''] = buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)
  const unquoted = line.replaceAll(/"[^"]*"/g, '')
  return unquoted.split(';').length > unquoted.split(',').length ? ';' : ','
}

function readHeader(record: readonly string[], file: string, table: SourceTable): SourceColumn[] {
  const at = { file, line: 1 }
  const header = record.map((cell) => {
    const name = cell.trim().normalize('NFC')
    const column = table.columns.find((known) => known.name.toLowerCase() === name.toLowerCase())
    if (column !== undefined) return column
    const known = table.columns.map((other) => other.name).join(', ')
    throw new CsvLoadError(`table ${table.name} has no such column; it has ${known}`, { ...at, column: name })
  })
  for (const column of table.columns) {
    const times = header.filter((found) => found === column).length
    if (times > 1) throw new CsvLoadError('the column appears twice', { ...at, column: column.name })
    if (times === 0 && column.required) throw new CsvLoadError('the column is missing', { ...at, column: column.name })
  }
  return header
}

function readRecord(
  record: readonly string[],
  header: readonly SourceColumn[],
  at: { file: string; line: number },
  table: SourceTable,
  format: { decimalComma: boolean },
): SourceRow {
  const values = new Map<SourceColumn, string | null>()
  for (const [place, column] of header.entries()) {
    const cell = record[place] ?? ''
    const result = readCell(cell, column.type, format)
    if ('problem' in result) {
      throw new CsvLoadError(`${JSON.stringify(cell)} ${result.problem}`, { ...at, column: column.name })
    }
    if (result.value === null && column.required) {
      throw new CsvLoadError('must have a value', { ...at, column: column.name })
    }
    values.set(column, result.value)
  }
  return table.columns.map((column) => values.get(column) ?? null)
}
