import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashBody } from './idempotency.ts'

test('the order of fields does not count, at any depth', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, field]) => [name, shuffled(field)]),
    )
  }
  fc.assert(fc.property(fc.jsonValue(), (body) => assert.deepEqual(hashBody(shuffled(body)), hashBody(body))))
})

test('bodies that differ in anything else have different hashes', () => {
  const bodies = [
    {},
    [],
    null,
    '',
    0,
    { a: 1 },
    { a: '1' },
    { a: [1] },
    { a: { b: 1 } },
    { 'a":1,"b': 2 },
    { a: 1, b: 2 },
    [1, 2],
    [2, 1],
  ]
  assert.equal(new Set(bodies.map((body) => hashBody(body).toString('hex'))).size, bodies.length)
})
