import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedMap } from './bounded-map.ts'

const sized = (bytes: number) => ({ bytes })

test('what was not read makes room, the oldest first', () => {
  const map = new BoundedMap(3)
  for (const key of ['a', 'b', 'c']) map.set(key, sized(1))
  map.get('a')
  map.set('d', sized(1))
  map.set('e', sized(1))
  const kept = ['a', 'b', 'c', 'd', 'e'].filter((key) => map.get(key) !== undefined)
  assert.deepEqual(kept, ['a', 'd', 'e'])
})

test('when all were read, the oldest makes room, and not the new one', () => {
  const map = new BoundedMap(2)
  map.set('a', sized(1))
  map.set('b', sized(1))
  assert.ok(map.get('a') && map.get('b'))
  map.set('c', sized(1))
  assert.equal(map.get('a'), undefined)
  assert.ok(map.get('b') && map.get('c'))
})

test('what is too large is not kept, and what it replaces is gone', () => {
  const map = new BoundedMap(2)
  assert.equal(map.set('a', sized(1)), true)
  assert.equal(map.set('a', sized(3)), false)
  assert.equal(map.get('a'), undefined)
})

test('it never takes more than it may, and what is there is what was set last', () => {
  const steps = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      bytes: fc.integer({ min: 0, max: 6 }),
      what: fc.constantFrom('get', 'set', 'delete'),
    }),
    { maxLength: 80 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), steps, (maxBytes, all) => {
      const map = new BoundedMap(maxBytes)
      const set = new Map<string, { bytes: number }>()
      for (const { key, bytes, what } of all) {
        if (what === 'get') map.get(key)
        if (what === 'delete') {
          map.delete(key)
          set.delete(key)
        }
        if (what === 'set') {
          const value = sized(bytes)
          set.set(key, value)
          map.set(key, value)
        }
        const kept = [...set].filter(([name]) => map.get(name) !== undefined)
        assert.ok(kept.every(([name, value]) => map.get(name) === value))
        assert.ok(kept.reduce((sum, [, value]) => sum + value.bytes, 0) <= maxBytes)
      }
    }),
  )
})
