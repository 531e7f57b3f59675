import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { estimate } from './estimate.ts'
import { positionOf } from './month.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile } from './tariff-file.ts'
import { TARIFF_CLASSES } from './tariff.ts'
import { toEstimate, toMonth } from './view.ts'

const TODAY = '2026-03-10'
const book = new TariffBook(readTariffFile())
const situation = fc.record({
  tariff: fc.constantFrom(...TARIFF_CLASSES).map((name) => book.at(name, 'prepaid', TODAY, TODAY)),
  boughtWh: fc.nat({ max: 900_000 }),
  isFirst: fc.boolean(),
})

/** The longest fraction among the numbers of an answer, as a client reads them. */
function longestFraction(answer: object): number {
  const { explanation: _sentences, ...numbers } = answer as { explanation?: unknown }
  const text = JSON.stringify(numbers)
  assert.doesNotMatch(text, /\de[+-]?\d+[,}\]]/)
  return Math.max(0, ...[...text.matchAll(/:-?\d+\.(\d+)/g)].map(([, digits = '']) => digits.length))
}

test('no number of an estimate has more digits than were meant', () => {
  const amount = fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 10_000_000 }))
  fc.assert(
    fc.property(situation, amount, ({ tariff, boughtWh, isFirst }, amountXof) => {
      const position = positionOf(boughtWh, isFirst)
      const wanted = { kind: 'for_amount', amountXof } as const
      const asked = { tariff, phase: 'single', position, wanted, day: TODAY, isAhead: false, meter: undefined } as const
      const answer = toEstimate(estimate(asked), 'fr')
      assert.ok(longestFraction(answer.situation) <= 3)
      assert.ok(longestFraction({ ...answer, situation: undefined }) <= 2, JSON.stringify(answer))
    }),
  )
})

test('no number of a month has more digits than were meant', () => {
  const meter = { id: '1', kind: 'prepaid', number: '14', police: '1', tariffClass: 'DPP', phase: null } as const
  fc.assert(
    fc.property(situation, ({ tariff, boughtWh, isFirst }) => {
      const known = { day: TODAY, from: '2026-03-01', to: '2026-04-01', asOf: new Date(0), isStale: false }
      const month = { ...known, energyWh: boughtWh, amountXof: 1_000, isFirstPurchase: isFirst }
      assert.ok(longestFraction(toMonth(meter, month, tariff, 'en')) <= 3)
    }),
  )
})
