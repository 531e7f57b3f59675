import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './bytes.ts'
import { decodeLogin, TDS_7_4 } from './login.ts'

const FIXED_BYTES = 94

/** A LOGIN7 message with user, password, program and database. */
function loginMessage(texts: { user: string; password: string; program: string; database: string }): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES)
  const parts: Buffer[] = []
  let offset = FIXED_BYTES
  const place = (at: number, bytes: Buffer): void => {
    fixed.writeUInt16LE(offset, at)
    fixed.writeUInt16LE(bytes.length / 2, at + 2)
    offset += bytes.length
    parts.push(bytes)
  }
  place(40, Buffer.from(texts.user, 'utf16le'))
  const password = Buffer.from(texts.password, 'utf16le')
  place(44, password.map((byte) => ((byte << 4) | (byte >> 4)) ^ 0xa5) as Buffer)
  place(48, Buffer.from(texts.program, 'utf16le'))
  place(68, Buffer.from(texts.database, 'utf16le'))
  fixed.writeUInt32LE(offset, 0)
  fixed.writeUInt32LE(TDS_7_4, 4)
  fixed.writeUInt32LE(8000, 8)
  return Buffer.concat([fixed, ...parts])
}

test('user, password, program and database are read', () => {
  const texts = { user: 'sa', password: 'Pâsse «€» 😀', program: 'node', database: 'SIC' }
  assert.deepEqual(decodeLogin(loginMessage(texts)), {
    tdsVersion: TDS_7_4,
    packetBytes: 8000,
    userName: 'sa',
    password: 'Pâsse «€» 😀',
    programName: 'node',
    database: 'SIC',
    isIntegrated: false,
  })
})

test('every password is revealed as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (password) => {
      const { password: revealed } = decodeLogin(loginMessage({ user: '', password, program: '', database: '' }))
      assert.equal(revealed, password)
    }),
  )
})

test('a login that was tampered with is read or breaks the protocol', () => {
  const whole = loginMessage({ user: 'sa', password: 'x', program: 'node', database: 'SIC' })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length), (at, byte, end) => {
      const bytes = Buffer.from(whole)
      bytes[at] = byte
      try {
        decodeLogin(bytes.subarray(0, end))
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }),
  )
})
