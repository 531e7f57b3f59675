import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPayload, isReservedKey, PAYLOAD_LIMIT_BYTES, payloadBytes } from './payload.ts'

const plain = { type: 'general', title: 'Titre', body: 'Texte', data: {} }

test('bytes count, not characters, and the keys of data count too', () => {
  const size = payloadBytes(plain)
  assert.equal(payloadBytes({ ...plain, body: 'Texté' }), size + 1)
  assert.equal(payloadBytes({ ...plain, data: { clé: '⚡' } }), size + 4 + 3)
})

test('what just fits passes, one byte more is refused with both numbers', () => {
  const room = PAYLOAD_LIMIT_BYTES - payloadBytes({ ...plain, data: { filler: '' } })
  const filled = (bytes: number) => ({ ...plain, data: { filler: 'x'.repeat(bytes) } })
  checkPayload(filled(room))
  assert.throws(() => checkPayload(filled(room + 1)), {
    code: 'notifications/payload-too-large',
    details: { size_bytes: PAYLOAD_LIMIT_BYTES + 1, limit_bytes: PAYLOAD_LIMIT_BYTES },
  })
})

test('keys of FCM and our own are reserved, others that look alike are not', () => {
  const reserved = [
    '',
    'from',
    'message_type',
    'google.c.a',
    'gcm.notification.title',
    'notification_id',
    'type',
    'message_id',
  ]
  for (const key of reserved) assert.ok(isReservedKey(key), key)
  for (const key of ['zone', 'sender', 'my_google', 'types', 'From where']) assert.ok(!isReservedKey(key), key)
  assert.throws(() => checkPayload({ ...plain, data: { from: 'x', zone: 'y' } }), {
    code: 'notifications/reserved-data-key',
    details: { keys: ['from'] },
  })
})

test('text that cannot be stored or sent is refused wherever it stands', () => {
  for (const text of ['a\0b', '\ud800', 'x\udc00']) {
    const places = [
      { ...plain, title: text },
      { ...plain, body: text },
      { ...plain, data: { [text]: '' } },
      { ...plain, data: { key: text } },
    ]
    for (const payload of places) assert.throws(() => checkPayload(payload), { code: 'notifications/invalid-text' })
  }
  checkPayload({ ...plain, title: 'Sénégal ⚡ 😀', body: 'à\nla ligne' })
})
