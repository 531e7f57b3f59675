import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskPhone } from './masked-phone.ts'

test('a masked phone shows its operator and its last two digits', () => {
  assert.equal(maskPhone('+221770345612'), '+221 77 ••• •• 12')
})
