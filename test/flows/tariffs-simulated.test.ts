import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fraction } from '#src/modules/tariffs/fraction.ts'
import { positionOf } from '#src/modules/tariffs/month.ts'
import { buy } from '#src/modules/tariffs/purchase.ts'
import { TariffBook } from '#src/modules/tariffs/tariff-book.ts'
import { readTariffFile } from '#src/modules/tariffs/tariff-file.ts'
import { TARIFF_CLASSES } from '#src/modules/tariffs/tariff.ts'
import { ticketOf } from '#src/modules/tariffs/ticket.ts'
import { priceRecharge } from '#src/simulators/sic/data/price-recharge.ts'

const book = new TariffBook(readTariffFile())

test('an estimate is what the simulated utility sells, though neither knows the other', () => {
  const recharge = fc.record({
    tariffClass: fc.constantFrom(...TARIFF_CLASSES),
    phase: fc.constantFrom('single' as const, 'three' as const),
    day: fc.constantFrom('2025-12-31', '2026-01-01'),
    amountXof: fc.integer({ min: 1_500, max: 500_000 }),
    boughtTenths: fc.nat({ max: 6_000 }),
    firstOfMonth: fc.boolean(),
  })
  fc.assert(
    fc.property(recharge, ({ boughtTenths, ...asked }) => {
      const { tariffClass, phase, day, amountXof, firstOfMonth } = asked
      const tariff = book.at(tariffClass, 'prepaid', day, '2026-03-10')
      const position = positionOf(boughtTenths * 100, firstOfMonth)
      const purchase = buy(tariff, phase, position, Fraction.of(amountXof))
      // Halves are for exact arithmetic to decide: the simulator's doubles may fall to either side.
      const isHalf = Math.round(purchase.energyKwh.rounded(6) * 1_000_000) % 100_000 === 50_000
      const sold = priceRecharge({ ...asked, debtXof: 0, monthToDateKwh: boughtTenths / 10 })
      if (!isHalf) assert.equal(ticketOf(purchase).energyKwh, sold.energyKwh)
    }),
    { numRuns: 1_000 },
  )
})
