import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeKey, newCode, opensSeal, sealCode } from './sealed-code.ts'

const key = codeKey('a secret that signs tokens')

test('a code has six digits, and is another one each time', () => {
  const codes = Array.from({ length: 200 }, newCode)
  for (const code of codes) assert.match(code, /^\d{6}$/)
  assert.ok(new Set(codes).size > 190)
})

test('a seal opens for its own code, row and key alone', () => {
  const sealed = sealCode(key, 'row 1', '012345')
  assert.equal(opensSeal(key, 'row 1', '012345', sealed), true)
  assert.equal(opensSeal(key, 'row 1', '012346', sealed), false)
  assert.equal(opensSeal(key, 'row 1', '12345', sealed), false)
  assert.equal(opensSeal(key, 'row 2', '012345', sealed), false)
  assert.equal(opensSeal(codeKey('another secret'), 'row 1', '012345', sealed), false)
})
