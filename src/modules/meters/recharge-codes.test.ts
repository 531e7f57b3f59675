import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { rechargeCodes } from './recharge-codes.ts'

suite('recharge codes', () => {
  test('come in groups of four, in their order', () => {
    assert.deepEqual(rechargeCodes('01234567890123456789'), ['0123 4567 8901 2345 6789'])
    const three = '11111111111111111111 22222222222222222222 33333333333333333333'
    assert.deepEqual(rechargeCodes(three), [
      '1111 1111 1111 1111 1111',
      '2222 2222 2222 2222 2222',
      '3333 3333 3333 3333 3333',
    ])
  })

  test('however the source parts them, no digit is lost or moved', () => {
    const code = fc.stringMatching(/^\d{20}$/)
    const parting = fc.constantFrom('', ' ', '-', ', ', '\n', ' / ')
    fc.assert(
      fc.property(fc.array(code, { minLength: 1, maxLength: 4 }), parting, parting, (codes, within, between) => {
        const written = codes.map((digits) => (digits.match(/\d{4}/g) ?? []).join(within)).join(between)
        const read = rechargeCodes(written)
        assert.deepEqual(
          read.map((text) => text.replaceAll(' ', '')),
          codes,
        )
        for (const text of read) assert.match(text, /^\d{4}( \d{4}){4}$/)
      }),
    )
  })

  test('what is no code of 20 digits is given as it is, and nothing is nothing', () => {
    assert.deepEqual(rechargeCodes('1234567890'), ['1234567890'])
    assert.deepEqual(rechargeCodes('EN ATTENTE'), ['EN ATTENTE'])
    assert.deepEqual(rechargeCodes(undefined), [])
  })
})
