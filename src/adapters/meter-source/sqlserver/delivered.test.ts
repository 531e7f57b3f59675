import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { dayOf, decimalOf, momentOf, requiredText, toDelivered } from './delivered.ts'

const isMalformed = (error: unknown): boolean => error instanceof SourceUnavailable && error.reason === 'malformed'

suite('a row as delivered', () => {
  test('equal rows come once, others all', () => {
    const row = { NUMERO_COMMANDE: 'A', MONTANT_TTC: '5.00' }
    const other = { NUMERO_COMMANDE: 'A', MONTANT_TTC: '6.00' }
    assert.deepEqual(toDelivered([row, { ...row }, other]), [row, other])
  })

  test('what is not text was not cast, and is refused rather than rounded', () => {
    assert.throws(() => toDelivered([{ MONTANT_TTC: 5.1 }]), isMalformed)
    assert.throws(() => toDelivered([{ DATFACT: new Date(0) }]), isMalformed)
  })

  test('decimals pass digit by digit; the first column that holds one counts', () => {
    assert.equal(decimalOf({ a: '12345678901234567890.123' }, 'a'), '12345678901234567890.123')
    assert.equal(decimalOf({ a: null, b: '-0.50' }, 'a', 'b'), '-0.50')
    assert.equal(decimalOf({ a: null, b: null }, 'a', 'b'), '0')
    for (const text of ['', '1e+006', '1,5', 'NaN', ' 5']) assert.throws(() => decimalOf({ a: text }, 'a'), isMalformed)
    assert.throws(() => decimalOf({}, 'a'), isMalformed)
  })

  test('moments are UTC, with their milliseconds or without', () => {
    assert.equal(momentOf({ a: '2025-12-31T23:59:59.997' }, 'a').toISOString(), '2025-12-31T23:59:59.997Z')
    assert.equal(momentOf({ a: '2024-02-29T00:00:00' }, 'a').toISOString(), '2024-02-29T00:00:00.000Z')
    const days = ['2026-01-01', 'Jan  1 2026', '2026-13-01T00:00:00', '2026-02-30T00:00:00']
    for (const text of [...days, '2026-01-01T24:00:00', '2026-01-01T23:59:60', null]) {
      assert.throws(() => momentOf({ a: text }, 'a'), isMalformed)
    }
  })

  test('days come from a date or from a moment', () => {
    assert.equal(dayOf({ a: '2026-01-05' }, 'a'), '2026-01-05')
    assert.equal(dayOf({ a: '2026-01-05T00:00:00' }, 'a'), '2026-01-05')
    for (const text of ['20260105', '2026-02-29', '2026-01-051'])
      assert.throws(() => dayOf({ a: text }, 'a'), isMalformed)
  })

  test('a key must be there and fit into an index; what pads it is not part of it', () => {
    assert.equal(requiredText({ a: 'N1\0\0' }, 'a'), 'N1')
    for (const value of [null, '', '\0', 'N'.repeat(201), 'N\ud83d'])
      assert.throws(() => requiredText({ a: value }, 'a'), isMalformed)
  })
})
