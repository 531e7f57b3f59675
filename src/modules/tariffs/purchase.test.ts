import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Fraction } from './fraction.ts'
import { positionOf } from './month.ts'
import { buy, costOf, type MonthPosition } from './purchase.ts'
import { TariffBook } from './tariff-book.ts'
import { readTariffFile } from './tariff-file.ts'
import { type Phase, TARIFF_CLASSES, type Tariff } from './tariff.ts'
import { ticketOf } from './ticket.ts'

const book = new TariffBook(readTariffFile())
const domestic = book.at('DPP', 'prepaid', '2026-03-10', '2026-03-10')
const buyFor = (amountXof: number, boughtWh: number, isFirst: boolean) =>
  ticketOf(buy(domestic, 'single', positionOf(boughtWh, isFirst), Fraction.of(amountXof)))

/** Published figures for the grid of 2026: amount, Wh bought earlier in the month, first of the month, kWh on the ticket. */
const published: readonly (readonly [number, number, boolean, number])[] = [
  [5_000, 0, true, 54.4],
  [5_000, 54_400, false, 59.5],
  [5_000, 150_000, false, 35.7],
  [5_000, 250_000, false, 30.4],
  [10_000, 0, true, 113.9],
  [10_000, 113_873, false, 85.9],
  [10_000, 113_900, false, 85.9],
  [10_000, 150_000, false, 71.5],
  [10_000, 250_000, false, 60.8],
  [14_000, 0, true, 156.9],
  [1_000, 0, true, 6.8],
]

suite('what an amount buys', () => {
  for (const [amountXof, boughtWh, isFirst, energyKwh] of published) {
    const when = isFirst ? 'first of the month' : `after ${boughtWh / 1_000} kWh`
    test(`${amountXof} F, ${when}: ${energyKwh} kWh`, () => {
      assert.equal(buyFor(amountXof, boughtWh, isFirst).energyKwh, energyKwh)
    })
  }

  test('the first tranche is full at 13,036 F and the second at 27,027 F, the redevance included', () => {
    const start = positionOf(0, true)
    assert.ok(costOf(domestic, 'single', start, Fraction.of(150)).equals(Fraction.parse('13036.5')))
    assert.ok(costOf(domestic, 'single', start, Fraction.of(250)).equals(Fraction.parse('27026.725')))
  })

  test('every franc has its line', () => {
    assert.deepEqual(buyFor(14_000, 0, true), {
      amountXof: 14_000,
      energyKwh: 156.9,
      averageXofPerKwh: 89.23,
      lines: [
        { kind: 'redevance', amount_xof: 429 },
        { kind: 'tranche', tranche: 1, energy_kwh: 150, price_xof: 82, amount_xof: 12_300 },
        { kind: 'tranche', tranche: 2, energy_kwh: 6.9, price_xof: 136.49, amount_xof: 940 },
        { kind: 'tco', amount_xof: 331 },
      ],
    })
    assert.deepEqual(
      buyFor(5_000, 250_000, false).lines.map(({ kind, amount_xof }) => [kind, amount_xof]),
      [
        ['tranche', 4_149],
        ['tco', 104],
        ['tva', 747],
      ],
    )
  })

  test('a tranche that is filled to its end has no line of nothing after it', () => {
    const filling = (boughtWh: number, isFirst: boolean, energyKwh: number) => {
      const cost = costOf(domestic, 'single', positionOf(boughtWh, isFirst), Fraction.of(energyKwh * 10, 10))
      return buyFor(Number(cost.ceil()), boughtWh, isFirst).lines.map(({ kind, amount_xof }) => [kind, amount_xof])
    }
    assert.deepEqual(filling(0, true, 150), [
      ['redevance', 429],
      ['tranche', 12_300],
      ['tco', 308],
    ])
    assert.deepEqual(filling(101_900, false, 48.1), [
      ['tranche', 3_944],
      ['tco', 99],
    ])
    assert.deepEqual(filling(0, true, 250), [
      ['redevance', 429],
      ['tranche', 12_300],
      ['tranche', 13_649],
      ['tco', 649],
    ])
  })

  test('an amount below the redevance buys nothing', () => {
    assert.deepEqual(buyFor(429, 0, true), {
      amountXof: 429,
      energyKwh: 0,
      averageXofPerKwh: undefined,
      lines: [{ kind: 'redevance', amount_xof: 429 }],
    })
    assert.equal(buyFor(1, 0, true).lines[0]?.amount_xof, 1)
  })

  test('in 2025 the first tranche was dearer', () => {
    const before = book.at('DPP', 'prepaid', '2025-12-31', '2026-03-10')
    assert.equal(ticketOf(buy(before, 'single', positionOf(20_000, false), Fraction.of(5_000))).energyKwh, 53.5)
  })
})

interface Situation {
  readonly tariff: Tariff
  readonly phase: Phase
  readonly position: MonthPosition
}

const situation: fc.Arbitrary<Situation> = fc.record({
  tariff: fc
    .tuple(fc.constantFrom(...TARIFF_CLASSES), fc.constantFrom('2025-12-31', '2026-01-01'))
    .map(([tariffClass, day]) => book.at(tariffClass, 'prepaid', day, '2026-03-10')),
  phase: fc.constantFrom('single', 'three'),
  position: fc.tuple(fc.nat({ max: 700_000 }), fc.boolean()).map(([wh, isFirst]) => positionOf(wh, isFirst)),
})
const amount = fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 10_000_000 }))
const energyWh = fc.oneof(fc.integer({ min: 1, max: 600_000 }), fc.integer({ min: 1, max: 50_000_000 }))

suite('any purchase', () => {
  test('its lines add up to the amount, and its tranches to the energy', () => {
    fc.assert(
      fc.property(situation, amount, ({ tariff, phase, position }, xof) => {
        const purchase = buy(tariff, phase, position, Fraction.of(xof))
        const parts = purchase.sales.flatMap((sale) => [sale.priceXof, sale.tcoXof, sale.tvaXof])
        assert.ok(parts.reduce((sum, part) => sum.plus(part), purchase.redevanceXof).equals(Fraction.of(xof)))
        const { lines, energyKwh } = ticketOf(purchase)
        const total = lines.reduce((sum, line) => sum + line.amount_xof, 0)
        assert.equal(total, xof)
        const tenths = lines.reduce(
          (sum, line) => sum + (line.kind === 'tranche' ? Math.round(line.energy_kwh * 10) : 0),
          0,
        )
        assert.equal(tenths, Math.round(energyKwh * 10))
        assert.ok(lines.every((line) => Number.isInteger(line.amount_xof)))
        const rounding = lines.find((line) => line.kind === 'rounding')?.amount_xof ?? 0
        assert.ok(Math.abs(rounding) <= 3, `${rounding} F of rounding`)
      }),
    )
  })

  test('more money never buys less, and more energy never costs less', () => {
    fc.assert(
      fc.property(situation, amount, amount, ({ tariff, phase, position }, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)].map(
          (xof) => ticketOf(buy(tariff, phase, position, Fraction.of(xof))).energyKwh,
        )
        assert.ok(less !== undefined && more !== undefined && less <= more)
      }),
    )
    fc.assert(
      fc.property(situation, energyWh, energyWh, ({ tariff, phase, position }, one, other) => {
        const cost = (wh: number): Fraction => costOf(tariff, phase, position, Fraction.of(wh, 1_000))
        assert.ok(!cost(Math.min(one, other)).exceeds(cost(Math.max(one, other))))
      }),
    )
  })

  test('two purchases of a month buy what one of both amounts buys', () => {
    const aboveRedevance = fc.integer({ min: 1_427, max: 200_000 })
    fc.assert(
      fc.property(situation, aboveRedevance, amount, ({ tariff, phase, position }, first, second) => {
        const one = buy(tariff, phase, position, Fraction.of(first))
        const after = { boughtKwh: position.boughtKwh.plus(one.energyKwh), isFirstPurchase: false }
        const two = buy(tariff, phase, after, Fraction.of(second))
        const both = buy(tariff, phase, position, Fraction.of(first + second))
        assert.ok(one.energyKwh.plus(two.energyKwh).equals(both.energyKwh))
      }),
    )
  })

  test('as tickets they differ by what three tickets round, and by a price step over what the first rounded', () => {
    const aboveRedevance = fc.integer({ min: 1_427, max: 200_000 })
    fc.assert(
      fc.property(situation, aboveRedevance, amount, ({ tariff, phase, position }, first, second) => {
        const one = ticketOf(buy(tariff, phase, position, Fraction.of(first)))
        const shown = Fraction.of(Math.round(one.energyKwh * 10), 10)
        const after = { boughtKwh: position.boughtKwh.plus(shown), isFirstPurchase: false }
        const two = ticketOf(buy(tariff, phase, after, Fraction.of(second)))
        const both = ticketOf(buy(tariff, phase, position, Fraction.of(first + second)))
        const difference = Math.abs(one.energyKwh + two.energyKwh - both.energyKwh)
        assert.ok(difference < 0.25, `${difference} kWh`)
      }),
    )
  })

  test('what energy costs buys that energy back', () => {
    fc.assert(
      fc.property(situation, energyWh, ({ tariff, phase, position }, wh) => {
        const energy = Fraction.of(wh, 1_000)
        const cost = costOf(tariff, phase, position, energy)
        assert.ok(buy(tariff, phase, position, cost).energyKwh.equals(energy))
      }),
    )
  })

  test('in whole francs it buys it back to the ticket’s tenth, and a franc less does not reach it', () => {
    fc.assert(
      fc.property(situation, energyWh, ({ tariff, phase, position }, wh) => {
        const energy = Fraction.of(Math.ceil(wh / 100), 10)
        const francs = costOf(tariff, phase, position, energy).ceil()
        const bought = buy(tariff, phase, position, Fraction.of(francs))
        assert.equal(ticketOf(bought).energyKwh, energy.rounded(1))
        assert.ok(!energy.exceeds(bought.energyKwh))
        assert.ok(energy.exceeds(buy(tariff, phase, position, Fraction.of(francs - 1n)).energyKwh))
      }),
    )
  })
})
