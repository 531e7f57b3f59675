import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteWriter, ProtocolError } from './bytes.ts'
import { decodeBatch, decodeRpc, decodeTransactionRequest } from './requests.ts'

const HEADERS = Buffer.from('1600000012000000020000000000000000000100000000', 'hex').subarray(0, 22)

function request(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter()
  writer.bytes(HEADERS)
  write(writer)
  return writer.finish()
}

function parameter(writer: ByteWriter, name: string, status: number, typeAndValue: string): void {
  writer.shortText(name)
  writer.u8(status)
  writer.bytes(Buffer.from(typeAndValue, 'hex'))
}

test('a batch is the text behind its headers', () => {
  assert.equal(decodeBatch(request((writer) => writer.utf16("SELECT 'é'"))), "SELECT 'é'")
})

test('calls by number and by name, several at once', () => {
  const calls = decodeRpc(
    request((writer) => {
      writer.u16(0xffff)
      writer.u16(10)
      writer.u16(0)
      parameter(writer, '', 0, 'e708000c04d00000040031003200')
      parameter(writer, '@a', 1, '260400')
      writer.u8(0xff)
      writer.longText('sp_who')
      writer.u16(0)
      parameter(writer, '@b', 0, '3807000000')
    }),
  )
  assert.deepEqual(calls, [
    {
      procedure: 'sp_executesql',
      parameters: [
        { name: '', isByReference: false, type: { kind: 'text', unicode: true, fixed: false, length: 4 }, value: '12' },
        { name: '@a', isByReference: true, type: { kind: 'integer', bytes: 4 }, value: null },
      ],
    },
    {
      procedure: 'sp_who',
      parameters: [{ name: '@b', isByReference: false, type: { kind: 'integer', bytes: 4 }, value: '7' }],
    },
  ])
})

test('transaction requests by number', () => {
  const decoded = [5, 7, 8, 9].map((kind) => decodeTransactionRequest(request((writer) => writer.u16(kind))))
  assert.deepEqual(decoded, ['begin', 'commit', 'rollback', undefined])
})

test('random bytes are a request or break the protocol', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const decode of [decodeBatch, decodeRpc, decodeTransactionRequest]) {
        for (const payload of [Buffer.from(bytes), Buffer.concat([HEADERS, bytes])]) {
          try {
            decode(payload)
          } catch (error) {
            assert.ok(error instanceof ProtocolError, String(error))
          }
        }
      }
    }),
    { numRuns: 1000 },
  )
})
