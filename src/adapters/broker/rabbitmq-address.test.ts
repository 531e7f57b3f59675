import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rabbitmqAddress } from './rabbitmq-address.ts'

test('takes an address apart', () => {
  assert.deepEqual(rabbitmqAddress('amqps://us%40er:p%C3%A9%2F%25@[::1]:5673/v%2Fhost?heartbeat=5'), {
    protocol: 'amqps',
    hostname: '::1',
    port: 5673,
    username: 'us@er',
    password: 'pé/%',
    vhost: 'v%2Fhost',
    heartbeat: 5,
  })
  const short = rabbitmqAddress('amqp://u:p@rabbit')
  assert.deepEqual([short.hostname, short.vhost, short.heartbeat, 'port' in short], ['rabbit', '', 20, false])
})

test('what is no address is refused without showing it', () => {
  for (const url of ['', 'secret', 'http://u:secret@h', 'amqp://u:secret%@h', 'amqp://u:secret@h?heartbeat=often']) {
    assert.throws(
      () => rabbitmqAddress(url),
      (error) => error instanceof Error && !JSON.stringify({ ...error, text: error.message }).includes('secret'),
    )
  }
})
