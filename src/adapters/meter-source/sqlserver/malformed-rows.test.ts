import assert from 'node:assert/strict'
import { after, afterEach, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { sql } from 'kysely'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { sqlServerPostpaidSource } from './postpaid-source.ts'
import { sqlServerPrepaidSource } from './prepaid-source.ts'
import { MOST_ROWS } from './statements.ts'

const SALES = 'HEXING_SENELECBILL_ALHDL2'
const meter = { number: '14250000016', police: '210000001' }
const range = { from: '2026-01-01', to: '2027-01-01' }
const sale = {
  NUMERO_COMMANDE: 'N1',
  NUMERO_COMPTEUR: meter.number,
  POLICE: meter.police,
  DATE_TRANSACTION: '2026-03-10',
}
const bill = { IDHistorique: '1', numCC: '310000001', DATFACT: '2026-03-05' }

const isMalformed = (told: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SourceUnavailable, inspect(error))
  assert.equal(error.reason, 'malformed', inspect(error))
  assert.match(inspect(error.cause), told)
  return true
}

/** As the utility would, before anybody connects. */
const alter = (sic: SicUnderTest, database: 'SIC' | 'HISTH2MC', table: string, change: string) =>
  sql`alter table ${sql.id(database, table)} ${sql.raw(change)}`.execute(sic.source.db)

suite('rows that make no sense come over the wire as malformed, with the column that is to blame', () => {
  const sales: readonly (readonly [
    what: string,
    changes: string[],
    row: Record<string, string | null>,
    told: RegExp,
  ])[] = [
    ['no key', ['alter "NUMERO_COMMANDE" drop not null'], { NUMERO_COMMANDE: null }, /NUMERO_COMMANDE is empty/],
    ['an empty key', [], { NUMERO_COMMANDE: '' }, /NUMERO_COMMANDE is empty/],
    [
      'a key longer than any',
      ['alter "NUMERO_COMMANDE" type text'],
      { NUMERO_COMMANDE: 'N'.repeat(100_000) },
      /NUMERO_COMMANDE has 100000 characters/,
    ],
    [
      'a text longer than any',
      ['alter "NOM_OPERATEUR" type text'],
      { NOM_OPERATEUR: 'é'.repeat(100_000) },
      /NOM_OPERATEUR has 100000 characters/,
    ],
    [
      'words for a number',
      ['alter "ENERGIE_VENDUE" type text'],
      { ENERGIE_VENDUE: 'beaucoup' },
      /ENERGIE_VENDUE is not a decimal/,
    ],
    [
      'a decimal comma',
      ['alter "MONTANT_RECU" type text'],
      { MONTANT_RECU: '10000,50' },
      /MONTANT_RECU is not a decimal/,
    ],
    [
      'a binary float, which nobody may round',
      ['alter "ENERGIE_VENDUE" type double precision'],
      { ENERGIE_VENDUE: '113.9' },
      /ENERGIE_VENDUE is not a decimal/,
    ],
  ]
  for (const [what, changes, row, told] of sales) {
    test(`a sale with ${what}`, async () => {
      await using sic = await sicUnderTest()
      for (const change of changes) await alter(sic, 'SIC', SALES, change)
      const names = { ...sale, ...row }
      await sql`insert into ${sql.id('SIC', SALES)} (${sql.join(Object.keys(names).map((name) => sql.id(name)))})
        values (${sql.join(Object.values(names))})`.execute(sic.source.db)
      await using source = sqlServerPrepaidSource(sic.options('SIC'))
      await assert.rejects(source.sales(meter, range), isMalformed(told))
      assert.deepEqual(await source.sales({ ...meter, number: '1' }, range), [])
    })
  }

  test('a bill with a whole number where a text was', async () => {
    await using sic = await sicUnderTest()
    await sic.insert('Historique', [{ ...bill, numFact: '7' }])
    await alter(sic, 'HISTH2MC', 'Historique', 'alter "numFact" type integer using 7')
    await using source = sqlServerPostpaidSource(sic.options('HISTH2MC'))
    await assert.rejects(source.bills(bill.numCC, range), isMalformed(/numFact came as number/))
  })
})

suite('an answer of another length', () => {
  let sic: SicUnderTest
  before(async () => {
    sic = await sicUnderTest()
  })
  afterEach(() => sql`truncate ${sql.id('SIC', SALES)}`.execute(sic.source.db))
  after(() => sic[Symbol.asyncDispose]())

  const putSales = (count: number) =>
    sql`insert into ${sql.id('SIC', SALES)} ("NUMERO_COMMANDE", "NUMERO_COMPTEUR", "POLICE", "DATE_TRANSACTION")
      select place::text, ${meter.number}, ${meter.police}, timestamp '2026-03-01' + place * interval '1 second'
      from generate_series(1, ${count}::int) place`.execute(sic.source.db)

  test('as many rows as a meter may have are an answer, more are malformed', async () => {
    await using source = sqlServerPrepaidSource(sic.options('SIC', { queryTimeoutMs: 120_000 }))
    await putSales(MOST_ROWS)
    assert.equal((await source.sales(meter, range)).length, MOST_ROWS)
    await putSales(1)
    await assert.rejects(source.sales(meter, range), isMalformed(new RegExp(`more than ${MOST_ROWS} rows`)))
  })
})
