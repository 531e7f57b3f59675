import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { addDays, dayOf } from '#src/core/calendar.ts'
import { comparedRanges } from './comparison.ts'

const ranges = (from: string, to: string): string[] => {
  const { previous, yearBefore } = comparedRanges({ from, to })
  return [previous.from, previous.to, yearBefore.from, yearBefore.to]
}

suite('the ranges beside which one is put', () => {
  test('whole months beside as many whole months', () => {
    assert.deepEqual(ranges('2026-02-01', '2026-03-01'), ['2026-01-01', '2026-02-01', '2025-02-01', '2025-03-01'])
    assert.deepEqual(ranges('2026-01-01', '2026-04-01'), ['2025-10-01', '2026-01-01', '2025-01-01', '2025-04-01'])
    assert.deepEqual(ranges('2025-01-01', '2026-01-01'), ['2024-01-01', '2025-01-01', '2024-01-01', '2025-01-01'])
  })

  test('other ranges beside as many days', () => {
    assert.deepEqual(ranges('2026-03-02', '2026-03-09'), ['2026-02-23', '2026-03-02', '2025-03-02', '2025-03-09'])
    assert.deepEqual(ranges('2024-03-01', '2024-03-02'), ['2024-02-29', '2024-03-01', '2023-03-01', '2023-03-02'])
  })

  test('a day that the year before had not', () => {
    assert.deepEqual(ranges('2024-02-29', '2024-03-01'), ['2024-02-28', '2024-02-29', '2023-03-01', '2023-03-02'])
    assert.deepEqual(ranges('2024-02-01', '2024-02-29'), ['2024-01-04', '2024-02-01', '2023-02-01', '2023-03-01'])
  })

  test('are never empty, and the one before ends where the range begins', () => {
    const day = fc.integer({ min: 7_305, max: 40_000 }).map((days) => dayOf(days * 86_400_000))
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 3_650 }), (from, length) => {
        const current = { from, to: addDays(from, length) }
        const { previous, yearBefore } = comparedRanges(current)
        assert.ok(previous.from < previous.to)
        assert.equal(previous.to, from)
        assert.ok(yearBefore.from < yearBefore.to)
      }),
    )
  })
})
