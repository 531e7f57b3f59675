import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scaledInteger } from './decimal.ts'

test('amounts are rounded to whole francs, half away from zero', () => {
  const examples: [string, number][] = [
    ['10000', 10_000],
    ['10000.00', 10_000],
    ['4999.4999', 4_999],
    ['4999.5', 5_000],
    ['0.49', 0],
    ['-0.49', 0],
    ['-2.5', -3],
    ['+7', 7],
    [' 12.', 12],
    ['000000000000012', 12],
  ]
  for (const [text, francs] of examples) assert.equal(scaledInteger(text, 0), francs, text)
})

test('energy keeps three decimals exactly', () => {
  assert.equal(scaledInteger('113.9', 3), 113_900)
  // In binary, 1.0005 lies below its decimal: a float would round it down.
  assert.equal(scaledInteger('1.0005', 3), 1_001)
  assert.equal(scaledInteger('99999999999.999', 3), 99_999_999_999_999)
})

test('what is no plain decimal is refused, not guessed', () => {
  for (const text of ['', ' ', '.', '-', '1,5', '1e3', 'NaN', '12 000', '0x10', '1.2.3', '100000000000']) {
    assert.equal(scaledInteger(text, 3), undefined, text)
  }
})

test('a decimal of so many places comes back unchanged, and a reversal cancels it', () => {
  const digits = fc.bigInt({ min: 0n, max: 99_999_999_999_999n })
  fc.assert(
    fc.property(digits, fc.nat({ max: 9_999 }), (thousandths, beyond) => {
      const text = `${thousandths / 1_000n}.${String(thousandths % 1_000n).padStart(3, '0')}`
      assert.equal(scaledInteger(text, 3), Number(thousandths))
      const longer = `${text}${String(beyond).padStart(4, '0')}`
      const rounded = scaledInteger(longer, 3) ?? Number.NaN
      assert.equal(rounded, Number(thousandths) + (beyond >= 5_000 ? 1 : 0))
      assert.equal(rounded + (scaledInteger(`-${longer}`, 3) ?? Number.NaN), 0)
    }),
  )
})

test('watt-hours over a thousand print as the decimal that they are, up to 15 digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (energyWh) => {
      const places = String(energyWh % 1_000)
        .padStart(3, '0')
        .replace(/0+$/, '')
      const text = `${Math.floor(energyWh / 1_000)}${places === '' ? '' : `.${places}`}`
      assert.equal(JSON.stringify(energyWh / 1_000), text)
    }),
  )
})
