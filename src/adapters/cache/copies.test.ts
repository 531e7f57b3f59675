import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Copies } from './copies.ts'

const copy = (value: string, expiresAt = 1_000) => ({ value, expiresAt })

function filled(maxBytes: number, ...keys: readonly string[]): Copies {
  const copies = new Copies(() => 0, maxBytes)
  for (const key of keys) copies.keep(key, copies.expect(key), copy(key))
  return copies
}

test('a change that is told while a value is on its way keeps it from being copied', () => {
  const copies = new Copies(() => 0, 1_000)
  const early = copies.expect('key')
  copies.forget('key')
  const late = copies.expect('key')
  copies.keep('key', early, copy('old'))
  assert.equal(copies.get('key'), undefined)
  copies.keep('key', late, copy('new'))
  assert.equal(copies.get('key'), 'new')
  copies.forgetAll()
  copies.keep('key', late, copy('new'))
  assert.equal(copies.get('key'), undefined)
})

test('a copy ends with its lifetime', () => {
  let now = 0
  const copies = new Copies(() => now, 1_000)
  copies.keep('key', copies.expect('key'), copy('value', 500))
  now = 499
  assert.equal(copies.get('key'), 'value')
  now = 500
  assert.equal(copies.get('key'), undefined)
})

test('what is not read makes room', () => {
  const copies = filled(3 * 210, 'a', 'b', 'c')
  copies.get('a')
  copies.keep('d', copies.expect('d'), copy('d'))
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => copies.get(key)),
    ['a', undefined, 'c', 'd'],
  )
})
