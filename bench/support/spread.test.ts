import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ascending, percentile, ratios, spreadOf } from './spread.ts'

test('a percentile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, place) => place + 1)
  assert.deepEqual(
    [1, 50, 95, 99, 100].map((percent) => percentile(hundred, percent)),
    [1, 50, 95, 99, 100],
  )
  assert.equal(percentile([7], 99), 7)
  assert.equal(percentile([1, 2, 3], 50), 2)
  assert.equal(percentile([1, 2, 3, 4], 50), 2)
  assert.throws(() => percentile([], 50), RangeError)
})

test('at least so many values are not above a percentile, and fewer are below it', () => {
  const values = fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (latencies, percent) => {
      const value = percentile(ascending(latencies), percent)
      const wanted = (percent / 100) * latencies.length
      assert.ok(latencies.filter((latency) => latency <= value).length >= wanted)
      assert.ok(latencies.filter((latency) => latency < value).length < wanted)
    }),
  )
})

test('the spread of rounds does not depend on their order', () => {
  assert.deepEqual(spreadOf([30, 10, 20]), { min: 10, median: 20, max: 30 })
  assert.deepEqual(spreadOf([5]), { min: 5, median: 5, max: 5 })
})

test('ratios are taken within a round', () => {
  assert.deepEqual(ratios([10, 30], [20, 40]), [0.5, 0.75])
})
