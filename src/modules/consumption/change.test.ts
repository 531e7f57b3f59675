import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { sumOf } from './aggregate.ts'
import { type Change, comparedMeter, comparedTotal, type MeterPair, type MeterSum } from './change.ts'

const sum = (energyWh: number, amountXof: number, bills?: number): MeterSum => ({ energyWh, amountXof, bills })
const pair = (base: MeterSum, current: MeterSum, meterId = 'a'): MeterPair => ({ meterId, base, current })

const changeOf = (one: MeterPair): Change => comparedMeter(one).change

/** What a client would make of the sums alone. */
const inTenths = (base: number, current: number): number | null =>
  base > 0 ? Math.round(((current - base) * 1_000) / base) / 10 : null

const amounts = [fc.integer({ min: -5_000, max: 500_000 }), fc.integer({ min: -500, max: 50_000 })] as const
const ofPrepaid = fc.tuple(...amounts).map(([energyWh, amountXof]) => sum(energyWh, amountXof))
const ofPostpaid = fc
  .tuple(...amounts, fc.nat({ max: 3 }))
  .map(([energyWh, amountXof, bills]) => (bills === 0 ? sum(0, 0, 0) : sum(energyWh, amountXof, bills)))
const pairOf = (one: fc.Arbitrary<MeterSum>) => fc.tuple(one, one).map(([base, current]) => pair(base, current))
const pairs = fc
  .array(fc.oneof(pairOf(ofPrepaid), pairOf(ofPostpaid)), { maxLength: 5 })
  .map((some) => some.map((one, place) => ({ ...one, meterId: `${place}` })))

suite('a change', () => {
  test('of a meter that is billed is told only where both ranges hold as many bills', () => {
    const bill = sum(341_000, 30_951, 1)
    const none = sum(0, 0, 0)
    const unknown = { energyPercent: null, amountPercent: null }
    for (const [base, current] of [
      [bill, none],
      [none, bill],
      [none, none],
    ] as const) {
      assert.deepEqual(changeOf(pair(base, current)), { ...unknown, unknownBecause: 'no_bill' })
    }
    const two = sum(700_000, 60_000, 2)
    for (const [base, current] of [
      [bill, two],
      [two, bill],
    ] as const) {
      assert.deepEqual(changeOf(pair(base, current)), { ...unknown, unknownBecause: 'uneven_bills' })
    }
    assert.deepEqual(changeOf(pair(bill, sum(170_500, 30_951, 1))), {
      energyPercent: -50,
      amountPercent: 0,
      unknownBecause: null,
    })
  })

  test('of a meter that is bought for is that of its sums: who bought nothing has bought 100 % less', () => {
    assert.equal(changeOf(pair(sum(125_000, 11_000), sum(0, 0))).energyPercent, -100)
    fc.assert(
      fc.property(pairOf(ofPrepaid), ({ base, current, meterId }) => {
        const change = changeOf({ meterId, base, current })
        assert.equal(change.energyPercent, inTenths(base.energyWh, current.energyWh))
        assert.equal(change.amountPercent, inTenths(base.amountXof, current.amountXof))
      }),
    )
  })

  test('of meters together is that of their sums, or it is not told; of those that can be compared it is', () => {
    fc.assert(
      fc.property(pairs, (several) => {
        const { change, comparable } = comparedTotal(several)
        const like = several.filter(({ base, current }) => base.bills === current.bills && base.bills !== 0)
        assert.deepEqual(
          comparable.meterIds,
          like.map(({ meterId }) => meterId),
        )
        assert.deepEqual(comparable.base, sumOf(like.map(({ base }) => base)))
        assert.deepEqual(comparable.current, sumOf(like.map(({ current }) => current)))
        assert.equal(comparable.change.energyPercent, inTenths(comparable.base.energyWh, comparable.current.energyWh))
        if (like.length === several.length) assert.deepEqual(change, comparable.change)
        else assert.deepEqual([change.energyPercent, change.amountPercent], [null, null])
      }),
    )
  })

  test('that is not told has a reason, and one that is told has none', () => {
    fc.assert(
      fc.property(pairs, (several) => {
        for (const change of [comparedTotal(several).change, ...several.map(changeOf)]) {
          const isTold = change.energyPercent !== null && change.amountPercent !== null
          assert.equal(change.unknownBecause === null, isTold, JSON.stringify(change))
        }
      }),
    )
  })
})
