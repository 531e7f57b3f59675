import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fraction, smaller } from './fraction.ts'

const fraction = fc
  .tuple(fc.nat({ max: 1_000_000 }), fc.integer({ min: 1, max: 10_000 }))
  .map(([value, over]) => Fraction.of(value, over))
const some = fraction.filter((value) => !value.isZero())

test('nothing is lost in arithmetic', () => {
  fc.assert(
    fc.property(fraction, some, (a, b) => {
      assert.ok(a.over(b).times(b).equals(a))
      assert.ok(a.plus(b).less(b).equals(a))
      assert.ok(smaller(a, b).plus(a.less(b)).equals(a))
      assert.equal(a.exceeds(b), !a.less(b).isZero())
    }),
  )
})

test('rounding is to the nearest, halves up; floor and ceil enclose', () => {
  assert.equal(Fraction.parse('113.85').rounded(1), 113.9)
  assert.equal(Fraction.parse('113.849').rounded(1), 113.8)
  assert.equal(Fraction.of(1, 3).rounded(3), 0.333)
  assert.equal(Fraction.parse('0.5').rounded(0), 1)
  fc.assert(
    fc.property(fraction, (a) => {
      const [floor, ceil] = [a.floor(), a.ceil()]
      assert.ok(ceil - floor <= 1n && !Fraction.of(floor).exceeds(a) && !a.exceeds(Fraction.of(ceil)))
    }),
  )
})

test('only decimals that are not negative are numbers here', () => {
  assert.equal(Fraction.parse('136.49').rounded(2), 136.49)
  for (const text of ['', '-1', '1e3', '1,5', '.5', '1.', 'NaN']) assert.throws(() => Fraction.parse(text), RangeError)
  assert.throws(() => Fraction.of(-1), RangeError)
  assert.throws(() => Fraction.of(1).over(Fraction.zero), RangeError)
})
