import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWithinHours, parseRefreshHours } from './refresh-hours.ts'

const at = (time: string): number => Date.parse(`2026-03-15T${time}:00Z`)

test('hours are Dakar’s, begin with their first minute and end before their last, past midnight as well', () => {
  const night = parseRefreshHours('01:00-05:30')
  assert.ok(night !== undefined)
  assert.deepEqual(
    ['00:59', '01:00', '05:29', '05:30'].map((time) => isWithinHours(night, at(time))),
    [false, true, true, false],
  )
  const late = parseRefreshHours('22:00-04:00')
  assert.ok(late !== undefined)
  assert.deepEqual(
    ['21:59', '22:00', '00:00', '03:59', '04:00'].map((time) => isWithinHours(late, at(time))),
    [false, true, true, true, false],
  )
})

test('what is no pair of times is refused', () => {
  for (const text of ['', 'night', '1:00-5:00', '01:00-24:00', '01:60-02:00', '01:00', '01:00-01:00', '01:00-05:00 '])
    assert.equal(parseRefreshHours(text), undefined, text)
})
