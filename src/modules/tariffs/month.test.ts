import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fraction } from './fraction.ts'
import { positionOf, redevanceAhead, trancheStates } from './month.ts'
import { buy } from './purchase.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile } from './tariff-file.ts'
import { TARIFF_CLASSES } from './tariff.ts'

const book = new TariffBook(readTariffFile())
const tariff = fc.constantFrom(...TARIFF_CLASSES).map((name) => book.at(name, 'prepaid', '2026-03-10', '2026-03-10'))
const wattHours = (kwh: number): number => Math.round(kwh * 1_000)

test('what is used of the tranches is what was bought, and with what is left it is the tranche', () => {
  fc.assert(
    fc.property(tariff, fc.nat({ max: 2_000_000 }), (asked, boughtWh) => {
      const states = trancheStates(asked, positionOf(boughtWh, false))
      assert.equal(
        states.reduce((sum, state) => sum + wattHours(state.usedKwh), 0),
        boughtWh,
      )
      for (const { fromKwh, toKwh, usedKwh, leftKwh } of states) {
        if (toKwh === undefined) assert.equal(leftKwh, undefined)
        else assert.equal(wattHours(usedKwh) + wattHours(leftKwh ?? Number.NaN), wattHours(toKwh - fromKwh))
      }
    }),
  )
})

test('at the very border the lower tranche is full and the next is untouched', () => {
  const domestic = book.at('DPP', 'prepaid', '2026-03-10', '2026-03-10')
  const at = (boughtWh: number) =>
    trancheStates(domestic, positionOf(boughtWh, false)).map(({ usedKwh, leftKwh, leftXof }) => [
      usedKwh,
      leftKwh,
      leftXof,
    ])
  const untouched = [0, undefined, undefined]
  assert.deepEqual(at(149_999), [[149.999, 0.001, 0], [0, 100, 13_990], untouched])
  assert.deepEqual(at(150_000), [[150, 0, 0], [0, 100, 13_990], untouched])
  assert.deepEqual(at(150_001), [[150, 0, 0], [0.001, 99.999, 13_990], untouched])
  assert.deepEqual(at(250_000), [[150, 0, 0], [100, 0, 0], untouched])
})

test('the francs left of a tranche stay in it, and one more leaves it', () => {
  fc.assert(
    fc.property(tariff, fc.nat({ max: 40_000 }), (asked, boughtWh) => {
      const position = positionOf(boughtWh, false)
      const [first] = trancheStates(asked, position)
      if (first?.leftXof === undefined || first.leftXof === 0) return
      const tranchesFor = (xof: number): number => buy(asked, 'single', position, Fraction.of(xof)).sales.length
      assert.equal(tranchesFor(first.leftXof), 1)
      assert.equal(tranchesFor(first.leftXof + 1), 2)
    }),
  )
})

test('the redevance lies ahead until the first purchase', () => {
  const domestic = book.at('DPP', 'prepaid', '2026-03-10', '2026-03-10')
  assert.equal(redevanceAhead(domestic, 'single', positionOf(0, true)), 429)
  assert.equal(redevanceAhead(domestic, 'three', positionOf(0, true)), 1_427)
  assert.equal(redevanceAhead(domestic, 'three', positionOf(54_400, false)), 0)
})
