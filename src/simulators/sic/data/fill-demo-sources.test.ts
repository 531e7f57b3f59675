import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { sourceDatabase } from '#test/support/source-database.ts'
import { fillDemoSources, generateDemoSources } from './demo-sources.ts'

test('the demo sources are filled once, and a later start adds only what came since', async () => {
  await using source = await sourceDatabase()
  const { db } = source
  const september = { seed: 'demo', until: new Date('2026-09-14T08:30:00Z'), months: 14 }
  const november = { ...september, until: new Date('2026-11-22T12:00:00Z'), months: 16 }
  const everything = async () => {
    const sales = await sql`select * from "SIC"."HEXING_SENELECBILL_ALHDL2" order by "NUMERO_COMMANDE"`.execute(db)
    const bills = await sql`select * from "HISTH2MC"."Historique" order by "IDHistorique"`.execute(db)
    return { sales: sales.rows, bills: bills.rows }
  }

  await fillDemoSources(db, september)
  const first = await everything()
  await fillDemoSources(db, september)
  assert.deepEqual(await everything(), first)

  await fillDemoSources(db, november)
  const grown = await everything()
  const generated = generateDemoSources(november)
  assert.equal(grown.sales.length, generated[0]?.rows.length)
  assert.equal(grown.bills.length, generated[1]?.rows.length)
  assert.ok(grown.sales.length > first.sales.length && grown.bills.length > first.bills.length)
  const registers = await sql<{ count: string }>`select count(*) from "SIC"."compteurs_postpaid"`.execute(db)
  assert.equal(
    Number(registers.rows[0]?.count),
    generated.find(({ table }) => table.name === 'compteurs_postpaid')?.rows.length,
  )
})
