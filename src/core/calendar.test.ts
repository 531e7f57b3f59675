import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDays, addYears, dayOf, daysBetween, firstOfMonth, isDay, startOf, weekday } from './calendar.ts'

const days = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-12-31'), noInvalidDate: true }).map(dayOf)

test('a day is its own start', () => {
  fc.assert(fc.property(days, (day) => assert.equal(dayOf(startOf(day)), day)))
})

test('adding days can be undone, and a week later is the same weekday', () => {
  fc.assert(
    fc.property(days, fc.integer({ min: -4000, max: 4000 }), (day, count) => {
      assert.equal(addDays(addDays(day, count), -count), day)
      assert.equal(weekday(addDays(day, 7)), weekday(day))
    }),
  )
})

test('the last instant of a day belongs to it, the next one to the day after', () => {
  assert.equal(dayOf(new Date('2025-12-31T23:59:59.999Z')), '2025-12-31')
  assert.equal(dayOf(new Date('2026-01-01T00:00:00.000Z')), '2026-01-01')
})

test('days that no calendar has are no days', () => {
  for (const text of [
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-04-31',
    '26-01-01',
    '2026-1-1',
    '',
    '2026-01-01T00:00',
  ]) {
    assert.equal(isDay(text), false, text)
  }
  assert.equal(isDay('2028-02-29'), true)
})

test('days are counted over leap days, and back', () => {
  assert.equal(daysBetween('2024-02-28', '2024-03-01'), 2)
  assert.equal(daysBetween('2023-02-28', '2023-03-01'), 1)
  assert.equal(daysBetween('2026-03-01', '2026-02-27'), -2)
  assert.equal(daysBetween('2026-03-01', '2026-03-01'), 0)
})

test('the first of a month is what a Date says, so many months before or after', () => {
  fc.assert(
    fc.property(days, fc.integer({ min: -240, max: 240 }), (day, months) => {
      const date = startOf(day)
      assert.equal(firstOfMonth(day, months), dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1)))
    }),
  )
})

test('months and years keep to the calendar', () => {
  assert.equal(firstOfMonth('2026-01-31', 1), '2026-02-01')
  assert.equal(firstOfMonth('2026-01-15', -1), '2025-12-01')
  assert.equal(addYears('2028-02-29', -1), '2027-03-01')
  assert.equal(weekday('2026-11-22'), 6)
})
