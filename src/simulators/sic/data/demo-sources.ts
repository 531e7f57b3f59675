import { type Kysely, sql } from 'kysely'
import { createSourceTables } from './create-tables.ts'
import { monthAt, monthIndex } from './demand.ts'
import { billOfMonth, isBilledIn } from './demo-bills.ts'
import { demoIdentities } from './demo-identities.ts'
import { agencyNameOf, demoRegisters, ownerOf } from './demo-registers.ts'
import { salesOfMonth } from './demo-sales.ts'
import { insertRows, rowOf, type SourceRow } from './insert-rows.ts'
import { findSourceTable, type SourceTable } from './tables.ts'

export interface DemoSourcesOptions {
  readonly seed: string
  /** Nothing is dated after this moment. */
  readonly until: Date
  /** Full months before the month of `until`. */
  readonly months: number
}

export interface DemoTable {
  readonly table: SourceTable
  readonly rows: readonly SourceRow[]
}

const SALES = 'HEXING_SENELECBILL_ALHDL2'
const BILLS = 'Historique'

/** The demo world's sources. A past month is the same for the same seed, whatever `until` and `months` are. */
export function generateDemoSources(options: DemoSourcesOptions): DemoTable[] {
  return [
    toTable(SALES, demoSales(options)),
    toTable(BILLS, demoBills(options)),
    ...Object.entries(demoRegisters).map(([name, rows]) => toTable(name, rows)),
  ]
}

/**
 * Makes the tables and fills them. At a later start the sales and bills since the last one are added, so that the
 * current month is never empty; what is there already is left alone.
 */
export async function fillDemoSources(db: Kysely<unknown>, options: DemoSourcesOptions): Promise<void> {
  await createSourceTables(db)
  await db.transaction().execute(async (tx) => {
    for (const filled of generateDemoSources(options)) await addMissing(tx, filled)
  })
}

/** The column that says when a row came to be; the registers have none and are filled once. */
const DATED: Readonly<Record<string, { column: string; format: string }>> = {
  [SALES]: { column: 'DATE_TRANSACTION', format: 'YYYY-MM-DD HH24:MI:SS.MS' },
  [BILLS]: { column: 'DATFACT', format: 'YYYY-MM-DD' },
}

async function addMissing(db: Kysely<unknown>, { table, rows }: DemoTable): Promise<void> {
  const target = sql.id(table.database, table.name)
  await sql`lock table ${target} in share row exclusive mode`.execute(db)
  const dated = DATED[table.name]
  const mark = dated === undefined ? sql`'filled'` : sql`to_char(max(${sql.id(dated.column)}), ${dated.format})`
  const found = await sql<{ last: string | null }>`
    select ${mark} as last from ${target} having count(*) > 0`.execute(db)
  const last = found.rows[0]?.last ?? ''
  const place = table.columns.findIndex((column) => column.name === dated?.column)
  await insertRows(db, table, last === '' ? rows : rows.filter((row) => (row[place] ?? '') > last))
}

function* monthsOf({ until, months }: DemoSourcesOptions) {
  const current = monthIndex(until)
  for (let index = current - months; index <= current; index += 1) yield monthAt(index)
}

function* demoSales(options: DemoSourcesOptions) {
  const last = options.until.toISOString().replace('T', ' ').slice(0, -1)
  for (const meter of demoIdentities.meters) {
    if (meter.kind !== 'prepaid') continue
    for (const month of monthsOf(options)) {
      const sales = salesOfMonth(options.seed, meter, agencyNameOf(meter), month)
      yield* sales.filter((sale) => (sale['DATE_TRANSACTION'] ?? '') <= last)
    }
  }
}

function* demoBills(options: DemoSourcesOptions) {
  const last = options.until.toISOString().slice(0, 10)
  for (const meter of demoIdentities.meters) {
    if (meter.kind !== 'postpaid') continue
    for (const month of monthsOf(options)) {
      if (!isBilledIn(meter, month)) continue
      const bill = billOfMonth(options.seed, meter, ownerOf(meter), agencyNameOf(meter), month)
      if ((bill['DATFACT'] ?? '') <= last) yield bill
    }
  }
}

function toTable(name: string, rows: Iterable<Readonly<Record<string, string | null>>>): DemoTable {
  const table = findSourceTable(name)
  if (table === undefined) throw new Error(`no source table ${name}`)
  return { table, rows: Array.from(rows, (row) => rowOf(table, row)) }
}
