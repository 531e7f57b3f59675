import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { priceRecharge, type Recharge } from './price-recharge.ts'

const domestic = { tariffClass: 'DPP', phase: 'single', day: '2026-03-10', debtXof: 0 } as const

/** Figures published for the grid of 2026: amount, bought earlier in the month, first of the month, kWh on the ticket. */
const published: readonly (readonly [number, number, boolean, number])[] = [
  [5000, 0, true, 54.4],
  [5000, 20, false, 59.5],
  [5000, 150, false, 35.7],
  [5000, 250, false, 30.4],
  [10_000, 0, true, 113.9],
  [10_000, 113.873, false, 85.9],
  [10_000, 150, false, 71.5],
  [10_000, 250, false, 60.8],
  [14_000, 0, true, 156.9],
  [1000, 0, true, 6.8],
]

suite('the price of a recharge', () => {
  for (const [amountXof, monthToDateKwh, firstOfMonth, expected] of published) {
    test(`${amountXof} F after ${monthToDateKwh} kWh buys ${expected} kWh`, () => {
      assert.equal(priceRecharge({ ...domestic, amountXof, monthToDateKwh, firstOfMonth }).energyKwh, expected)
    })
  }

  test('a domestic recharge of 2025 pays the dearer first tranche', () => {
    const sold = priceRecharge({
      ...domestic,
      day: '2025-12-31',
      amountXof: 5000,
      monthToDateKwh: 20,
      firstOfMonth: false,
    })
    assert.equal(sold.energyKwh, 53.5)
    assert.equal(sold.tranches[0].priceXof, 91.17)
  })

  test('the parts add up to what was paid, and the tranches to the energy sold', () => {
    const recharge: fc.Arbitrary<Recharge> = fc.record({
      tariffClass: fc.constantFrom('DPP', 'PPP', 'DMP', 'PMP'),
      phase: fc.constantFrom('single', 'three'),
      day: fc.constantFrom('2025-12-31', '2026-01-01'),
      amountXof: fc.integer({ min: 2000, max: 500_000 }),
      debtXof: fc.integer({ min: 0, max: 400 }),
      monthToDateKwh: fc.integer({ min: 0, max: 6000 }).map((tenths) => tenths / 10),
      firstOfMonth: fc.boolean(),
    })
    fc.assert(
      fc.property(recharge, (asked) => {
        const sold = priceRecharge(asked)
        const parts = sold.beforeTaxXof + sold.tcoXof + sold.tvaXof + asked.debtXof
        assert.equal(Math.round(parts * 100), asked.amountXof * 100)
        const tenths = sold.tranches.reduce((sum, tranche) => sum + Math.round(tranche.energyKwh * 10), 0)
        assert.equal(tenths, Math.round(sold.energyKwh * 10))
        assert.ok(sold.tranches.every((tranche) => tranche.energyKwh >= 0))
      }),
    )
  })
})
