import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesNeeded, gib, refuseTooLarge } from './disk-room.ts'

const GIB = 1024 ** 3

test('more customers and longer histories need more, half of it again to work with', () => {
  assert.equal(bytesNeeded(20, 36), 2 * bytesNeeded(10, 36))
  assert.ok(bytesNeeded(10, 36) > bytesNeeded(10, 0))
  assert.doesNotThrow(() => refuseTooLarge(10 * GIB, 15 * GIB))
})

test('a disk that would be too full is refused with the figures', () => {
  assert.throws(() => refuseTooLarge(10 * GIB, 14.9 * GIB), /about 10\.0 GiB on disk.*15\.0 GiB; 14\.9 GiB are free/)
  assert.equal(gib(GIB / 2), '0.5 GiB')
})
