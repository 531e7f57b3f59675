import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { demoIdentities } from './demo-identities.ts'
import { type DemoSourcesOptions, generateDemoSources } from './demo-sources.ts'

const options: DemoSourcesOptions = { seed: 'demo', until: new Date('2026-11-22T12:00:00Z'), months: 36 }

function rowsOf(name: string, changed: Partial<DemoSourcesOptions> = {}): Record<string, string | null>[] {
  const found = generateDemoSources({ ...options, ...changed }).find(({ table }) => table.name === name)
  assert.ok(found !== undefined)
  return found.rows.map((row) =>
    Object.fromEntries(found.table.columns.map(({ name: key }, at) => [key, row[at] ?? null])),
  )
}
const sales = (changed?: Partial<DemoSourcesOptions>) => rowsOf('HEXING_SENELECBILL_ALHDL2', changed)
const bills = (changed?: Partial<DemoSourcesOptions>) => rowsOf('Historique', changed)

const isOfMarch = (sale: Record<string, string | null>): boolean =>
  sale['DATE_TRANSACTION']?.startsWith('2026-03') ?? false

suite('the demo world', () => {
  test('numbers and phones are unique, and owners and agencies exist', () => {
    const { meters, customers, agencies } = demoIdentities
    assert.equal(new Set(meters.map((meter) => meter.number)).size, meters.length)
    assert.equal(new Set(customers.map((customer) => customer.phone)).size, customers.length)
    for (const meter of meters) {
      assert.ok(customers.some((customer) => customer.phone === meter.ownerPhone))
      assert.ok(agencies.some((agency) => agency.code === meter.agencyCode))
    }
  })

  test('the same seed gives the same world, another seed another', () => {
    assert.deepEqual(generateDemoSources(options), generateDemoSources(options))
    assert.notDeepEqual(sales({ seed: 'other' }), sales())
  })

  test('a past month does not depend on when the world was made, nor from when on', () => {
    const march = sales().filter(isOfMarch)
    assert.ok(march.length > 0)
    assert.deepEqual(sales({ until: new Date('2026-05-02T00:00:00Z'), months: 4 }).filter(isOfMarch), march)
  })

  test('nothing is dated after its end, and every prepaid meter buys in each of 36 months', () => {
    const all = sales()
    assert.ok(all.every((sale) => (sale['DATE_TRANSACTION'] ?? '') <= '2026-11-22 12:00:00.000'))
    assert.ok(bills().every((bill) => (bill['DATFACT'] ?? '') <= '2026-11-22'))
    const mine = all.filter((sale) => sale['NUMERO_COMPTEUR'] === demoIdentities.customer1Prepaid.number)
    const months = new Set(mine.map((sale) => sale['DATE_TRANSACTION']?.slice(0, 7)))
    assert.equal([...months].filter((month) => month !== '2026-11').length, 36)
  })

  test('a reused meter number has sales of two contracts, one after the other', () => {
    const meter = demoIdentities.meters.find((one) => one.kind === 'prepaid' && one.formerPolice !== undefined)
    assert.ok(meter?.kind === 'prepaid')
    const polices = sales()
      .filter((sale) => sale['NUMERO_COMPTEUR'] === meter.number)
      .map((sale) => sale['POLICE'])
    assert.equal(polices[0], meter.formerPolice)
    assert.equal(polices.at(-1), meter.police)
    assert.equal(new Set(polices).size, 2)
  })

  test('orders are unique, tokens have 20 digits, or three times 20 at the change of keys', () => {
    const all = sales()
    assert.equal(new Set(all.map((sale) => sale['NUMERO_COMMANDE'])).size, all.length)
    assert.ok(all.every((sale) => /^\d{20}(?: \d{20} \d{20})?$/.test(sale['TOKEN'] ?? '')))
    assert.ok(all.some((sale) => (sale['TOKEN'] ?? '').length > 20))
    assert.ok(all.some((sale) => sale['MONTANT_RECU'] === null))
  })

  test('bills come every two months with a due date, and tranches that add up', () => {
    const mine = bills().filter((bill) => bill['numCC'] === demoIdentities.customer2Postpaid.contractAccount)
    assert.ok(mine.length >= 18)
    for (const bill of mine) {
      const parts = ['BT_CONSOM1', 'BT_CONSOM2', 'BT_CONSOM3'].map((name) => Number(bill[name]))
      assert.equal(
        parts.reduce((sum, part) => sum + part, 0),
        Number(bill['BT_CONSTOT']),
      )
      assert.ok((bill['DATEECH'] ?? '') > (bill['DATFACT'] ?? ''))
    }
    assert.ok(bills().some((bill) => bill['BT_MONT_TTC'] === null && bill['MONT_TTC'] !== null))
  })
})
