import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDays, weekday } from '#src/core/calendar.ts'
import { GROUPINGS, type Grouping, periodsOf } from './periods.ts'

const starts = (from: string, to: string, grouping: Grouping): string[] =>
  periodsOf({ from, to }, grouping).map((period) => period.start)

test('months are clipped to the range and know leap years', () => {
  assert.deepEqual(periodsOf({ from: '2024-01-31', to: '2024-03-02' }, 'month'), [
    { start: '2024-01-31', end: '2024-02-01' },
    { start: '2024-02-01', end: '2024-03-01' },
    { start: '2024-03-01', end: '2024-03-02' },
  ])
  assert.deepEqual(starts('2024-02-28', '2024-03-01', 'day'), ['2024-02-28', '2024-02-29'])
  assert.deepEqual(starts('2023-02-28', '2023-03-01', 'day'), ['2023-02-28'])
})

test('weeks begin on Monday, also over the end of a year', () => {
  assert.deepEqual(periodsOf({ from: '2025-12-27', to: '2026-01-06' }, 'week'), [
    { start: '2025-12-27', end: '2025-12-29' },
    { start: '2025-12-29', end: '2026-01-05' },
    { start: '2026-01-05', end: '2026-01-06' },
  ])
})

test('quarters and years begin in January', () => {
  assert.deepEqual(starts('2025-11-15', '2026-07-02', 'quarter'), [
    '2025-11-15',
    '2026-01-01',
    '2026-04-01',
    '2026-07-01',
  ])
  assert.deepEqual(starts('2023-12-31', '2026-01-01', 'year'), ['2023-12-31', '2024-01-01', '2025-01-01'])
})

/** What the first day of a whole period looks like. */
const beginsPeriod: Record<Grouping, (day: string) => boolean> = {
  day: () => true,
  week: (day) => weekday(day) === 0,
  month: (day) => day.endsWith('-01'),
  quarter: (day) => /-(01|04|07|10)-01$/.test(day),
  year: (day) => day.endsWith('-01-01'),
}

test('periods tile any range, and every inner bound is a bound of the calendar', () => {
  const from = fc.integer({ min: 0, max: 25_000 }).map((days) => addDays('1990-01-01', days))
  fc.assert(
    fc.property(from, fc.integer({ min: 1, max: 3_653 }), fc.constantFrom(...GROUPINGS), (start, days, grouping) => {
      const range = { from: start, to: addDays(start, days) }
      const periods = periodsOf(range, grouping)
      assert.equal(periods[0]?.start, range.from)
      assert.equal(periods.at(-1)?.end, range.to)
      periods.forEach((period, index) => {
        assert.ok(period.start < period.end)
        const next = periods[index + 1]
        if (next === undefined) return
        assert.equal(next.start, period.end)
        assert.ok(beginsPeriod[grouping](next.start), `${next.start} begins no ${grouping}`)
        for (let day = addDays(period.start, 1); day < period.end; day = addDays(day, 1)) {
          assert.ok(!beginsPeriod[grouping](day), `${day} should begin a ${grouping}`)
        }
      })
    }),
  )
})
