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

test('once a week the days that are asked for again are more, counted from the whole history', () => {
  const fromAfter = (readAgoMs: number, wholeAgoMs: number) =>
    dueRead(state(readAgoMs, wholeAgoMs), now, freshness)?.range.from
  assert.equal(fromAfter(DAY, 7 * DAY - 1), '2025-11-15')
  assert.equal(fromAfter(DAY, 7 * DAY), '2025-02-08')
  assert.equal(fromAfter(DAY, 8 * DAY), '2025-11-15')
  assert.equal(fromAfter(9 * DAY, 20 * DAY), '2025-02-08')
})

test('what a clock that was ahead has noted is no knowledge, what another server’s clock has noted is', () => {
  assert.equal(dueRead(state(-5 * MINUTE, DAY), now, freshness), undefined)
  assert.deepEqual(dueRead(state(-5 * MINUTE - 1, DAY), now, freshness), dueRead(undefined, now, freshness))
})
