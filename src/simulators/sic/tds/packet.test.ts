import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './bytes.ts'
import { encodeMessage, HEADER_BYTES, MessageDecoder, PACKET } from './packet.ts'

test('a packet is its header and its payload', () => {
  const [packet] = encodeMessage(PACKET.tabularResult, Buffer.from('abc'), 512, 0x1234)
  assert.equal(packet?.toString('hex'), '0401000b12340100616263')
})

test('a message comes out as it went in, whatever the packet size and the cuts of the network', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 512, max: 4096 }),
      fc.integer({ min: 1, max: 700 }),
      (payload, packetBytes, cut) => {
        const packets = encodeMessage(PACKET.sqlBatch, Buffer.from(payload), packetBytes)
        assert.ok(
          packets.every(
            (packet) => packet.length <= packetBytes && packet.length > HEADER_BYTES === payload.length > 0,
          ),
        )
        const bytes = Buffer.concat(packets)
        const decoder = new MessageDecoder()
        const messages = []
        for (let start = 0; start < bytes.length; start += cut) {
          messages.push(...decoder.push(bytes.subarray(start, start + cut)))
        }
        assert.deepEqual(messages, [{ type: PACKET.sqlBatch, status: 1, payload: Buffer.from(payload) }])
      },
    ),
  )
})

test('several messages in one network read are kept apart', () => {
  const bytes = Buffer.concat(
    [PACKET.sqlBatch, PACKET.attention].flatMap((type) => encodeMessage(type, Buffer.from('x'))),
  )
  assert.deepEqual(
    new MessageDecoder().push(bytes).map(({ type }) => type),
    [PACKET.sqlBatch, PACKET.attention],
  )
})

test('what is no packet breaks the protocol', () => {
  const push = (hex: string) => () => new MessageDecoder().push(Buffer.from(hex, 'hex'))
  assert.throws(push('0101000700000100'), ProtocolError, 'shorter than its header')
  assert.throws(push('0101ffff00000100'), ProtocolError, 'longer than any packet')
  assert.throws(push('01000008000001000301000800000200'), ProtocolError, 'two types in one message')
})
