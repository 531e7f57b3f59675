import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalisePhone } from './phone.ts'

const national = fc
  .tuple(fc.constantFrom('70', '75', '76', '77', '78', '33', '30'), fc.integer({ min: 0, max: 9_999_999 }))
  .map(([prefix, rest]) => `${prefix}${String(rest).padStart(7, '0')}`)
const separator = fc.constantFrom('', ' ', '-', '.', ' ', ' ')
const prefix = fc.constantFrom('', '221', '+221', '00221', '+221 ', '(+221)')

test('every spelling of a number is the same number', () => {
  fc.assert(
    fc.property(national, prefix, fc.array(separator, { minLength: 9, maxLength: 9 }), (digits, before, between) => {
      const spelled = before + [...digits].map((digit, place) => `${between[place]}${digit}`).join('')
      assert.equal(normalisePhone(spelled), `+221${digits}`)
    }),
  )
})

test('normalising twice changes nothing', () => {
  fc.assert(
    fc.property(national, (digits) => {
      const once = normalisePhone(digits)
      assert.ok(once !== undefined)
      assert.equal(normalisePhone(once), once)
    }),
  )
})

test('what is not a Senegalese subscriber number is refused', () => {
  for (const text of [
    '',
    '77',
    '7700000011',
    '+33612345678',
    '870000001',
    '77000000a',
    '221',
    '+221221770000001',
    '٧٧٠٠٠٠٠٠١',
  ]) {
    assert.equal(normalisePhone(text), undefined, text)
  }
})

test('whatever text comes, the answer is E.164 or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const normal = normalisePhone(text)
      assert.ok(normal === undefined || /^\+221[37]\d{8}$/.test(normal))
    }),
  )
})
