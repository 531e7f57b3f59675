import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPythonTime, parsePythonTime } from './python-time.ts'

const noon = Date.UTC(2026, 10, 22, 12)

test('always six digits and an offset', () => {
  assert.equal(formatPythonTime(noon + 123), '2026-11-22T12:00:00.123000+00:00')
  assert.equal(formatPythonTime(noon), '2026-11-22T12:00:00.000000+00:00')
  assert.equal(formatPythonTime(noon + 0.25), '2026-11-22T12:00:00.000250+00:00')
})

test('reads every form that Celery sends', () => {
  for (const [text, atMs] of [
    ['2026-11-22T12:00:00.165478+00:00', noon + 165.478],
    ['2026-11-22T12:00:00', noon],
    ['2026-11-22T12:00:00Z', noon],
    ['2026-11-22 12:00', noon],
    ['2026-11-22T21:00:00+09:00', noon],
    ['2026-11-22T08:30:00.5-0330', noon + 500],
    ['2026-11-22', Date.UTC(2026, 10, 22)],
  ] as const) {
    assert.equal(parsePythonTime(text), atMs, text)
  }
})

test('reads nothing else', () => {
  for (const text of [
    '',
    'soon',
    '1795333034',
    '2026-02-31T00:00:00',
    '2026-11-22T25:00:00',
    '2026-13-01',
    '2026-11-22T12',
  ]) {
    assert.equal(parsePythonTime(text), undefined, text)
  }
})

test('a whole millisecond survives the way there and back', () => {
  const moment = fc.integer({ min: 0, max: Date.UTC(2200, 0) })
  fc.assert(fc.property(moment, (atMs) => assert.equal(parsePythonTime(formatPythonTime(atMs)), atMs)))
})
