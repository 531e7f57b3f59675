import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATE, DATETIME } from '../sql-type.ts'
import { dateToText, textToTimestamp } from './date-styles.ts'

test('datetime has its old form without a style, and date the ISO one', () => {
  assert.match(dateToText('d', DATETIME, undefined), /'Mon'/)
  assert.equal(dateToText('d', DATE, undefined), "to_char(d, 'YYYY-MM-DD')")
})

test('datetime2 shows as many digits as its scale has', () => {
  assert.equal(dateToText('d', { kind: 'datetime2', scale: 0 }, 121), "to_char(d, 'YYYY-MM-DD HH24:MI:SS')")
  assert.match(dateToText('d', { kind: 'datetime2', scale: 3 }, 121), /left\(to_char\(d, 'US'\), 3\)$/)
  assert.match(dateToText('d', { kind: 'datetime2', scale: 7 }, 121), /to_char\(d, 'US'\) \|\| '0'$/)
})

test('a style that SQL Server does not know is error 281', () => {
  assert.throws(() => dateToText('d', DATETIME, 999), { number: 281 })
})

test('a text is read day first only where its style says so', () => {
  assert.match(textToTimestamp('t', 103), /DD\/MM\/YYYY/)
  assert.equal(textToTimestamp('t', 120), '(t)::timestamp')
})
