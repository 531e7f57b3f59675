import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './bytes.ts'
import { decodePrelogin, ENCRYPT, encodePrelogin, type EncryptByte, type Encryption, negotiate } from './prelogin.ts'

test('an answer carries version, encryption and no second request at a time', () => {
  const bytes = encodePrelogin(ENCRYPT.required)
  assert.equal(bytes.toString('hex'), '00001a00060100200001020021000103002200000400220001ff0f00114e0000030000')
  assert.deepEqual(decodePrelogin(bytes), { encryption: ENCRYPT.required })
})

test('a client that says nothing of encryption has it off', () => {
  assert.deepEqual(decodePrelogin(Buffer.from('ff', 'hex')), { encryption: ENCRYPT.off })
})

test('random bytes are a prelogin or break the protocol', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodePrelogin(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }),
  )
})

const { off, on, notSupported, required } = ENCRYPT
const table: [client: EncryptByte, server: Encryption, answer: EncryptByte, agreed: string | undefined][] = [
  [off, 'off', notSupported, 'nothing'],
  [notSupported, 'off', notSupported, 'nothing'],
  [on, 'off', notSupported, undefined],
  [required, 'off', notSupported, undefined],
  [off, 'login', off, 'login'],
  [notSupported, 'login', notSupported, 'nothing'],
  [on, 'login', on, 'everything'],
  [required, 'login', on, 'everything'],
  [off, 'all', required, 'everything'],
  [notSupported, 'all', required, undefined],
  [on, 'all', on, 'everything'],
  [required, 'all', on, 'everything'],
]
for (const [client, server, answer, agreed] of table) {
  test(`a client with encryption ${client} and a server with ${server}`, () => {
    assert.deepEqual(negotiate(client, server), { answer, agreed })
  })
}
