import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CellResult, readCell } from './csv-value.ts'
import type { SourceType } from './tables.ts'

const money: SourceType = { kind: 'decimal', precision: 18, scale: 2 }
const point = { decimalComma: false }
const comma = { decimalComma: true }

const cases: readonly (readonly [string, SourceType, { decimalComma: boolean }, CellResult])[] = [
  ['', money, point, { value: null }],
  ['NULL', { kind: 'text', length: 5 }, point, { value: null }],
  ['  Médina ', { kind: 'text', length: 6 }, point, { value: 'Médina' }],
  ['Thiès', { kind: 'text', length: 4 }, point, { problem: 'is longer than 4 characters' }],
  ['113.9', money, point, { value: '113.9' }],
  ['113.900', money, point, { value: '113.9' }],
  ['-0012.50', money, point, { value: '-12.5' }],
  ['113,9', money, comma, { value: '113.9' }],
  ['113.9', money, comma, { value: '113.9' }],
  ['1,234', money, point, { problem: 'is not a decimal number' }],
  ['1 234', money, comma, { problem: 'is not a decimal number' }],
  ['1e3', money, point, { problem: 'is not a decimal number' }],
  ['0.005', money, point, { problem: 'has more than 2 decimals' }],
  ['9999999999999999.99', money, point, { value: '9999999999999999.99' }],
  ['10000000000000000', money, point, { problem: 'is too large' }],
  ['60', { kind: 'integer' }, point, { value: '60' }],
  ['60.0', { kind: 'integer' }, point, { problem: 'is not a whole number' }],
  ['2147483648', { kind: 'integer' }, point, { problem: 'is too large' }],
  ['9223372036854775807', { kind: 'bigint' }, point, { value: '9223372036854775807' }],
  ['9223372036854775808', { kind: 'bigint' }, point, { problem: 'is too large' }],
  ['2026-01-05 10:11:12.337', { kind: 'datetime' }, point, { value: '2026-01-05 10:11:12.337' }],
  ['2026-01-05T10:11:12Z', { kind: 'datetime' }, point, { value: '2026-01-05 10:11:12' }],
  ['2026-01-05 10:11:12.3370000', { kind: 'datetime' }, point, { value: '2026-01-05 10:11:12.337' }],
  ['2026-01-05 10:11:12.3371', { kind: 'datetime' }, point, { problem: 'is finer than a millisecond' }],
  ['05/01/2026 10:11', { kind: 'datetime' }, point, { value: '2026-01-05 10:11' }],
  ['2024-02-29', { kind: 'date' }, point, { value: '2024-02-29' }],
  ['2026-02-29', { kind: 'date' }, point, { problem: 'does not exist' }],
  ['2026-13-01', { kind: 'date' }, point, { problem: 'does not exist' }],
  ['2026-01-05 00:00:00.000', { kind: 'date' }, point, { value: '2026-01-05' }],
  ['2026-01-05 10:00', { kind: 'date' }, point, { problem: 'has a time of day where a date is expected' }],
]

suite('a CSV cell', () => {
  for (const [cell, type, format, expected] of cases) {
    test(`${JSON.stringify(cell)} as ${type.kind}${format.decimalComma ? ' in a French file' : ''}`, () => {
      assert.deepEqual(readCell(cell, type, format), expected)
    })
  }

  test('what is no date at all says which forms are', () => {
    const result = readCell('yesterday', { kind: 'date' }, point)
    assert.ok('problem' in result)
    assert.match(result.problem, /YYYY-MM-DD or DD\/MM\/YYYY/)
  })
})
