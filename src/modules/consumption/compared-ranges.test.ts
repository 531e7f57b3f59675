import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { addDays, daysBetween } from '#src/core/calendar.ts'
import { AppError } from '#src/core/errors.ts'
import { comparedRanges } from './compared-ranges.ts'
import type { DayRange } from './range.ts'

const ranges = (from: string, to: string, today = '2026-12-31'): string[] => {
  const { previous, yearBefore } = comparedRanges({ from, to }, today)
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

  test('29 February is put beside the 28th, and a range from it or to it keeps its days', () => {
    assert.deepEqual(ranges('2024-02-29', '2024-03-01'), ['2024-02-28', '2024-02-29', '2023-02-28', '2023-03-01'])
    assert.deepEqual(ranges('2024-02-29', '2024-03-05'), ['2024-02-24', '2024-02-29', '2023-02-28', '2023-03-05'])
    assert.deepEqual(ranges('2024-02-01', '2024-02-29'), ['2024-01-04', '2024-02-01', '2023-02-01', '2023-03-01'])
    assert.deepEqual(ranges('2024-02-01', '2024-03-01'), ['2024-01-01', '2024-02-01', '2023-02-01', '2023-03-01'])
  })

  test('of a month under way, as many days of the others', () => {
    const march = (today: string) =>
      [comparedRanges({ from: '2026-03-01', to: '2026-04-01' }, today).current.to].concat(
        ranges('2026-03-01', '2026-04-01', today),
      )
    assert.deepEqual(march('2026-03-01'), ['2026-03-02', '2026-02-01', '2026-02-02', '2025-03-01', '2025-03-02'])
    assert.deepEqual(march('2026-03-15'), ['2026-03-16', '2026-02-01', '2026-02-16', '2025-03-01', '2025-03-16'])
    // February has no 29th to 31st: from then on all of it.
    assert.deepEqual(march('2026-03-30'), ['2026-03-31', '2026-02-01', '2026-03-01', '2025-03-01', '2025-03-31'])
    assert.deepEqual(march('2026-03-31'), ['2026-04-01', '2026-02-01', '2026-03-01', '2025-03-01', '2025-04-01'])
  })

  test('of a quarter, a year or a week under way, as far as it has come', () => {
    assert.deepEqual(ranges('2026-01-01', '2026-04-01', '2026-03-15'), [
      '2025-10-01',
      '2025-12-16',
      '2025-01-01',
      '2025-03-16',
    ])
    assert.deepEqual(ranges('2024-01-01', '2025-01-01', '2024-02-28'), [
      '2023-01-01',
      '2023-03-01',
      '2023-01-01',
      '2023-03-01',
    ])
    assert.deepEqual(ranges('2026-03-09', '2026-03-16', '2026-03-11'), [
      '2026-03-02',
      '2026-03-05',
      '2025-03-09',
      '2025-03-12',
    ])
  })

  test('a range that has not begun has nothing to be put beside', () => {
    assert.throws(
      () => comparedRanges({ from: '2026-03-02', to: '2026-04-01' }, '2026-03-01'),
      (error) => error instanceof AppError && error.code === 'consumption/range-ahead',
    )
  })

  test('none is empty or longer than the range, and the one before does not reach into it', () => {
    const day = fc.nat({ max: 32_000 }).map((days) => addDays('1990-01-01', days))
    const daysOf = ({ from, to }: DayRange): number => daysBetween(from, to)
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 3_650 }), fc.nat({ max: 4_000 }), (from, length, passed) => {
        const asked = { from, to: addDays(from, length) }
        const { current, previous, yearBefore } = comparedRanges(asked, addDays(from, passed))
        assert.equal(daysOf(current), Math.min(length, passed + 1))
        for (const range of [previous, yearBefore]) assert.ok(range.from < range.to)
        assert.ok(previous.to <= from)
        assert.ok(Math.abs(daysOf(yearBefore) - daysOf(current)) <= 1)
        const isMonths = [asked.from, asked.to].every((bound) => bound.endsWith('-01'))
        if (!isMonths) assert.deepEqual([previous.from, daysOf(previous)], [addDays(from, -length), daysOf(current)])
      }),
    )
  })
})
