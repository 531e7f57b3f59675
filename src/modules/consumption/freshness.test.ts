import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueRead } from './freshness.ts'

const MINUTE = 60_000
const freshness = { freshForMs: MINUTE, keptYears: 10 }
const DAY = 86_400_000
const now = Date.parse('2026-03-15T10:00:00Z')
const state = (readAgoMs: number, wholeAgoMs: number) => ({
  readAt: new Date(now - readAgoMs),
  wholeHistoryAt: new Date(now - wholeAgoMs),
  hasMonths: true,
})

test('a meter that was never read is asked for its whole history', () => {
  assert.deepEqual(dueRead(undefined, now, freshness), {
    range: { from: '2016-01-01', to: '2027-03-16' },
    isWholeHistory: true,
  })
})

test('a fresh reading is not repeated, an old one only for what may have been corrected', () => {
  assert.equal(dueRead(state(MINUTE - 1, DAY), now, freshness), undefined)
  assert.deepEqual(dueRead(state(MINUTE, DAY), now, freshness), {
    range: { from: '2025-11-15', to: '2027-03-16' },
    isWholeHistory: false,
  })
})

test('the whole history is read again after 30 days, when a reading is due anyway', () => {
  assert.equal(dueRead(state(MINUTE, 30 * DAY - 1), now, freshness)?.isWholeHistory, false)
  assert.equal(dueRead(state(MINUTE, 30 * DAY), now, freshness)?.isWholeHistory, true)
  assert.equal(dueRead(state(0, 30 * DAY), now, freshness), undefined)
})
