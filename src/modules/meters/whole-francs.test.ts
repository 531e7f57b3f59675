import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { francsOf, wholeFrancs } from './whole-francs.ts'

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

test('centimes are rounded once, and a reversal cancels what it reverses', () => {
  assert.deepEqual([francsOf([49, 1]), francsOf([-50]), francsOf([-49]), francsOf([])], [1, -1, 0, 0])
})

test('three times a third is one', () => {
  assert.deepEqual(wholeFrancs([3_334, 3_333, 3_333], 100), [34, 33, 33])
  assert.deepEqual(wholeFrancs([], 0), [])
})

test('the francs add up, none is a franc off, and whole ones stay', () => {
  const parts = fc.array(fc.integer({ min: -1_000_000, max: 10_000_000 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(parts, (centimes) => {
      const sum = francsOf(centimes)
      const francs = wholeFrancs(centimes, sum)
      assert.equal(sumOf(francs), sum)
      for (const [place, part] of centimes.entries()) {
        assert.ok(Math.abs((francs[place] ?? 0) * 100 - part) < 100, `${part} became ${francs[place]}`)
      }
    }),
  )
})
