import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumeMessage } from 'amqplib'
import { double, int32, int64 } from '#src/ports/message-headers.ts'
import { receivedMessage, wireArguments, wireProperties } from './rabbitmq-message.ts'

test('every number goes out with its type', () => {
  const headers = { a: int32(600), list: [int64(2 ** 40), double(0.5), { deep: int32(129) }], gone: undefined }
  const sent = wireProperties({ exchange: '', routingKey: 'q', properties: {}, headers, body: Buffer.alloc(0) })
  assert.deepEqual(sent.headers, {
    a: { '!': 'int32', value: 600 },
    list: [{ '!': 'int64', value: 2 ** 40 }, { '!': 'double', value: 0.5 }, { deep: { '!': 'int32', value: 129 } }],
  })
  assert.deepEqual(wireArguments({ 'x-message-ttl': 5000, 'x-queue-type': 'quorum', flag: true }), {
    'x-message-ttl': { '!': 'int32', value: 5000 },
    'x-queue-type': 'quorum',
    flag: true,
  })
})

test('types that JavaScript lacks become the nearest that it has', () => {
  const content = Buffer.from('body')
  const wire = {
    fields: { exchange: 'e', routingKey: 'k', redelivered: true, deliveryTag: 1, consumerTag: 'c' },
    properties: {
      contentType: 'application/json',
      priority: 0,
      replyTo: undefined,
      headers: {
        at: { '!': 'timestamp', value: 1_700_000_000 },
        price: { '!': 'decimal', value: { places: 2, digits: 1234 } },
        raw: Buffer.from([1]),
        list: [{ '!': 'timestamp', value: 0 }],
      },
    },
    content,
  } as unknown as ConsumeMessage
  const received = receivedMessage(wire)
  assert.deepEqual(received.properties, { contentType: 'application/json', priority: 0 })
  assert.deepEqual(received.headers, {
    at: new Date(1_700_000_000_000),
    price: 12.34,
    raw: Buffer.from([1]),
    list: [new Date(0)],
  })
  content.fill(0)
  assert.equal(received.body.toString(), 'body')
})
