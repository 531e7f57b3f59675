import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashSecret, isAcceptablePassword, isAcceptablePin, verifySecret } from './secrets.ts'

test('a secret verifies against its own hash alone', async () => {
  const secretHash = await hashSecret('2468')
  assert.match(secretHash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.equal(await verifySecret(secretHash, '2468'), true)
  assert.equal(await verifySecret(secretHash, '2469'), false)
})

test('nobody has a secret that opens an unknown account', async () => {
  assert.equal(await verifySecret(undefined, ''), false)
  assert.equal(await verifySecret(undefined, '2468'), false)
})

test('more logins than the lane holds are told to come back, and the lane empties', async () => {
  const secretHash = await hashSecret('2468')
  const outcomes = await Promise.allSettled(Array.from({ length: 230 }, () => verifySecret(secretHash, '2468')))
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 30, `${refused.length} refused`)
  for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'accounts/busy')
  assert.equal(await verifySecret(secretHash, '2468'), true)
})

test('PINs that are guessed first are refused', () => {
  for (const pin of ['0000', '1234', '4321', '98765', '123', '123456789', '12a4', '']) {
    assert.equal(isAcceptablePin(pin), false, pin)
  }
  for (const pin of ['2468', '1357', '1122', '90210']) assert.equal(isAcceptablePin(pin), true, pin)
})

test('staff passwords are long and not one letter', () => {
  assert.equal(isAcceptablePassword('short'), false)
  assert.equal(isAcceptablePassword('aaaaaaaaaaaaaaaa'), false)
  assert.equal(isAcceptablePassword('correct horse battery'), true)
})
