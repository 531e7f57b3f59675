import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDays } from '#src/core/calendar.ts'
import { sumByPeriod, sumOf } from './aggregate.ts'
import { GROUPINGS, periodsOf } from './periods.ts'

test('an entry counts whole in the period of its day, and an empty period is zero', () => {
  const periods = periodsOf({ from: '2026-01-01', to: '2026-04-01' }, 'month')
  const entries = [
    { day: '2025-12-31', energyWh: 1, amountXof: 1 },
    { day: '2026-01-01', energyWh: 100, amountXof: 10 },
    { day: '2026-01-31', energyWh: 200, amountXof: 20 },
    { day: '2026-03-31', energyWh: 400, amountXof: -40 },
    { day: '2026-04-01', energyWh: 1, amountXof: 1 },
  ]
  assert.deepEqual(sumByPeriod(periods, entries), [
    { start: '2026-01-01', end: '2026-02-01', energyWh: 300, amountXof: 30 },
    { start: '2026-02-01', end: '2026-03-01', energyWh: 0, amountXof: 0 },
    { start: '2026-03-01', end: '2026-04-01', energyWh: 400, amountXof: -40 },
  ])
})

const FIRST = '2019-12-01'
const entry = fc.record({
  day: fc.integer({ min: 0, max: 4_500 }).map((days) => addDays(FIRST, days)),
  energyWh: fc.integer({ min: -1_000_000, max: 99_999_999_999 }),
  amountXof: fc.integer({ min: -1_000_000, max: 99_999_999_999 }),
})
const history = fc
  .array(entry, { maxLength: 60 })
  .map((entries) => entries.toSorted((a, b) => (a.day < b.day ? -1 : 1)))

test('the sum of periods is the sum of the rows inside the range, for every grouping', () => {
  const start = fc.integer({ min: 0, max: 1_500 }).map((days) => addDays(FIRST, days))
  fc.assert(
    fc.property(history, start, fc.integer({ min: 1, max: 3_653 }), (entries, from, days) => {
      const range = { from, to: addDays(from, days) }
      const inside = sumOf(entries.filter(({ day }) => day >= range.from && day < range.to))
      for (const grouping of GROUPINGS) {
        assert.deepEqual(sumOf(sumByPeriod(periodsOf(range, grouping), entries)), inside)
      }
    }),
  )
})

test('a finer grouping adds up to a coarser one, period by period', () => {
  fc.assert(
    fc.property(history, (entries) => {
      const range = { from: '2020-01-01', to: '2029-01-01' }
      const days = sumByPeriod(periodsOf(range, 'day'), entries)
      for (const whole of sumByPeriod(periodsOf(range, 'quarter'), entries)) {
        const parts = days.filter((day) => day.start >= whole.start && day.end <= whole.end)
        assert.deepEqual(sumOf(parts), { energyWh: whole.energyWh, amountXof: whole.amountXof })
      }
    }),
    { numRuns: 30 },
  )
})
