import assert from 'node:assert/strict'
import { test } from 'node:test'
import { billFrom } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { saleFrom } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import { fromBill, fromSale } from '#src/modules/consumption/entry.ts'
import { toBill } from '#src/modules/meters/bill-view.ts'
import { toPurchase } from '#src/modules/meters/purchase-view.ts'
import { demoIdentities } from '#src/simulators/sic/data/demo-identities.ts'
import { billOfMonth } from '#src/simulators/sic/data/demo-bills.ts'
import { salesOfMonth } from '#src/simulators/sic/data/demo-sales.ts'

type Purchase = ReturnType<typeof toPurchase>

/** The rental of a month, FCFA: public, and not in any column of the source. */
const REDEVANCE = { single: 429, three: 1_427 }
const MONTHS = [1, 5, 12].map((month) => ({ year: 2025, month }))

const OWNER = demoIdentities.customers[0]!

/** As it is delivered, stored and shown. */
function asPurchase(row: Readonly<Record<string, string | null>>): Purchase {
  const delivered = { ...row, DATE_TRANSACTION: row['DATE_TRANSACTION']?.replace(' ', 'T') ?? null }
  return toPurchase(fromSale(saleFrom(delivered)), true)
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

function assertMadeUpOfItsParts(purchase: Purchase): void {
  const { tranches, tco_xof: tco, tva_xof: tva, redevance_xof: redevance } = purchase
  const energy = sumOf(tranches.map((tranche) => tranche.amount_xof))
  const charges = sumOf([tco ?? 0, tva ?? 0, redevance ?? 0, purchase.debt_paid_xof, -purchase.rounding_xof])
  assert.equal(energy + charges, purchase.amount_xof, JSON.stringify(purchase))
  const energyKwh = sumOf(tranches.map((tranche) => tranche.energy_kwh))
  assert.ok(Math.abs(energyKwh - purchase.energy_kwh) < 0.001, JSON.stringify(purchase))
  assert.match(purchase.recharge_codes?.join() ?? '', /^\d{4}( \d{4}){4}$/)
}

test('months of recharges: the rental is found on the first and on no other, and the parts make up the sum to the franc', () => {
  let withDebt = 0
  for (const meter of demoIdentities.meters) {
    if (meter.kind !== 'prepaid') continue
    for (const month of MONTHS) {
      const purchases: Purchase[] = salesOfMonth('a seed', meter, 'AGENCE', month).map(asPurchase)
      const rentals = purchases.map((purchase) => purchase.redevance_xof)
      assert.deepEqual(rentals, [REDEVANCE[meter.phase], ...purchases.slice(1).map(() => 0)])
      for (const purchase of purchases) assertMadeUpOfItsParts(purchase)
      withDebt += purchases.filter((purchase) => purchase.debt_paid_xof > 0).length
    }
  }
  assert.ok(withDebt > 0, 'no purchase paid a debt: the seed shows too little')
})

test('bills: what is due before taxes and the taxes make up the amount to the franc', () => {
  let counted = 0
  for (const meter of demoIdentities.meters) {
    if (meter.kind !== 'postpaid') continue
    for (const month of MONTHS) {
      const delivered = billOfMonth('a seed', meter, OWNER, 'AGENCE', month)
      const {
        amount_before_tax_xof: beforeTax,
        tco_xof: tco,
        tva_xof: tva,
        ...bill
      } = toBill(fromBill(billFrom(delivered)))
      // Of medium voltage the source has no sum before taxes.
      if (beforeTax === null) continue
      assert.equal(sumOf([beforeTax, tco ?? 0, tva ?? 0]), bill.amount_xof, JSON.stringify(delivered))
      counted += 1
    }
  }
  assert.ok(counted > 10, `${counted} bills`)
})
