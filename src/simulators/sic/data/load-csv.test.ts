import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { sql } from 'kysely'
import { type SourceDatabase, sourceDatabase } from '#test/support/source-database.ts'
import { CsvLoadError, loadSourceCsv } from './load-csv.ts'

const SALES_HEADER = 'NUMERO_COMMANDE,NUMERO_COMPTEUR,POLICE,DATE_TRANSACTION,MONTANT_TTC'

suite('loading CSV exports', () => {
  let source: SourceDatabase
  before(async () => {
    source = await sourceDatabase()
  })
  after(() => source[Symbol.asyncDispose]())

  async function load(files: Readonly<Record<string, string | Buffer>>) {
    const folder = await mkdtemp(join(tmpdir(), 'samaconso-csv-'))
    try {
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
      return await loadSourceCsv(source.db, folder)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  async function refusal(files: Readonly<Record<string, string | Buffer>>): Promise<CsvLoadError> {
    const error: unknown = await load(files).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof CsvLoadError, String(error))
    return error
  }

  async function meters() {
    const found = await sql<Record<string, string | null>>`
      select * from "SIC"."HEXING_INFOS_ADMINISTRATIVES_NEW" order by "N° COMPTEUR"`.execute(source.db)
    return found.rows
  }

  test('takes accents and spaces in names, any order of columns, quotes, a byte order mark and Windows line ends', async () => {
    const content =
      '\uFEFFADRESSE,N° COMPTEUR,CLIENT,n° client\r\n"12, rue ""A""\nDakar",142,Aïssatou Guèye,7\r\n,143,NULL,\r\n'
    assert.deepEqual(await load({ 'hexing_infos_administratives_new.CSV': content, 'readme.txt': 'left alone' }), [
      { file: 'hexing_infos_administratives_new.CSV', table: 'HEXING_INFOS_ADMINISTRATIVES_NEW', rows: 2 },
    ])
    const [first, second] = await meters()
    assert.equal(first?.['ADRESSE'], '12, rue "A"\nDakar')
    assert.equal(first?.['CLIENT'], 'Aïssatou Guèye')
    assert.equal(first?.['N° CLIENT'], '7')
    assert.equal(second?.['CLIENT'], null)
    assert.equal(second?.['tel'], null)
  })

  test('reads a French export, and replaces what an earlier load left', async () => {
    const header = 'NUMERO_COMMANDE;NUMERO_COMPTEUR;POLICE;DATE_TRANSACTION;ENERGIE_VENDUE;MONTANT_TTC\n'
    await load({ 'HEXING_SENELECBILL_ALHDL2.csv': `${header}A;1;2;31/12/2025 23:59;1,5;1000\n` })
    await load({ 'HEXING_SENELECBILL_ALHDL2.csv': `${header}B;1;2;31/12/2025 23:59:59.997;113,9;10000,5\n` })
    const found = await sql<Record<string, unknown>>`
      select "NUMERO_COMMANDE" as key, "DATE_TRANSACTION"::text as at, "ENERGIE_VENDUE" as kwh, "MONTANT_TTC" as paid
      from "SIC"."HEXING_SENELECBILL_ALHDL2"`.execute(source.db)
    assert.deepEqual(found.rows, [{ key: 'B', at: '2025-12-31 23:59:59.997', kwh: '113.900', paid: '10000.50' }])
  })

  test('loads more than one batch', async () => {
    const lines = Array.from({ length: 2500 }, (_, place) => `C${place},1,2,2026-01-01,1000`)
    const loaded = await load({ 'HEXING_SENELECBILL_ALHDL2.csv': [SALES_HEADER, ...lines].join('\n') })
    assert.equal(loaded[0]?.rows, 2500)
    const found = await sql<{ count: string }>`
      select count(distinct "NUMERO_COMMANDE") from "SIC"."HEXING_SENELECBILL_ALHDL2"`.execute(source.db)
    assert.equal(found.rows[0]?.count, '2500')
  })

  test('a bad cell is named by file, line and column, and nothing is lost', async () => {
    await load({ 'compteurs_postpaid.csv': 'COMPTE CONTRAT\n310000001\n' })
    const error = await refusal({
      'compteurs_postpaid.csv': 'COMPTE CONTRAT\n310000009\n',
      'HEXING_SENELECBILL_ALHDL2.csv': `${SALES_HEADER}\nA,1,2,2026-01-01,1000\nB,1,2,2026-02-30,1000\n`,
    })
    assert.match(error.message, /^HEXING_SENELECBILL_ALHDL2\.csv, line 3, column "DATE_TRANSACTION": "2026-02-30"/)
    const kept = await sql`select "COMPTE CONTRAT" as account from "SIC"."compteurs_postpaid"`.execute(source.db)
    assert.deepEqual(kept.rows, [{ account: '310000001' }])
  })

  test('a folder that is not there is named', async () => {
    const folder = join(tmpdir(), 'samaconso-csv-that-is-not-there')
    await assert.rejects(loadSourceCsv(source.db, folder), (error) => {
      assert.ok(error instanceof CsvLoadError)
      assert.equal(error.message, `${folder}: cannot be read: ENOENT`)
      return true
    })
  })

  const refused: readonly (readonly [string, Readonly<Record<string, string | Buffer>>, RegExp])[] = [
    ['no file at all', {}, /no CSV file; the tables are HEXING_SENELECBILL_ALHDL2/],
    ['a file of no table', { 'ventes.csv': 'a\n' }, /^ventes\.csv: no table has this name/],
    ['an empty file', { 'Historique.csv': '' }, /^Historique\.csv: is empty/],
    [
      'two files of one table',
      { 'ADR2.csv': 'ADDRNUMBER\n', 'adr2.csv': 'ADDRNUMBER\n' },
      /second file for table ADR2/,
    ],
    [
      'an unknown column',
      { 'ADR2.csv': 'ADDRNUMBER,TELEFON\n1,2\n' },
      /line 1, column "TELEFON": table ADR2 has no such/,
    ],
    ['a column twice', { 'ADR2.csv': 'ADDRNUMBER,addrnumber\n1,2\n' }, /line 1, column "ADDRNUMBER": .* twice/],
    ['a missing column', { 'ADR2.csv': 'TELNR_CALL\n2\n' }, /line 1, column "ADDRNUMBER": the column is missing/],
    [
      'a missing value',
      { 'ADR2.csv': 'ADDRNUMBER,TELNR_CALL\n,2\n' },
      /line 2, column "ADDRNUMBER": must have a value/,
    ],
    ['a line with too many cells', { 'ADR2.csv': 'ADDRNUMBER\n1\n2,3\n' }, /^ADR2\.csv, line 3: is not CSV/],
    ['an open quote', { 'ADR2.csv': 'ADDRNUMBER\n"1\n' }, /^ADR2\.csv, line \d+: is not CSV/],
    ['another encoding', { 'ADR2.csv': Buffer.from('ADDRNUMBER\nThi\xe8s\n', 'latin1') }, /^ADR2\.csv: is not UTF-8/],
    [
      'thousands marks',
      {
        'ADR2.csv': 'ADDRNUMBER\n1\n',
        'Historique.csv': 'IDHistorique,numCC,DATFACT,MONT_TTC\n1,2,2026-01-01,"1,234"\n',
      },
      /line 2, column "MONT_TTC": "1,234" is not a decimal/,
    ],
  ]
  for (const [what, files, expected] of refused) {
    test(`refuses ${what}`, async () => assert.match((await refusal(files)).message, expected))
  }
})
