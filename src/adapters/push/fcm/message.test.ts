import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Push } from '#src/ports/push-gateway.ts'
import { encodeMessage, PAYLOAD_LIMIT_BYTES } from './message.ts'

const PUSH: Push = {
  messageId: 'n1-d1',
  target: { kind: 'token', value: 'device' },
  title: 'Coupure',
  body: 'Demain à 9 h',
  data: { type: 'outage' },
  urgency: 'high',
}

const encoded = (push: Push): unknown => JSON.parse(encodeMessage(push) ?? 'null')

suite('FCM message', () => {
  test('carries notification, data with the message id, and both platforms’ priority', () => {
    assert.deepEqual(encoded(PUSH), {
      message: {
        token: 'device',
        notification: { title: 'Coupure', body: 'Demain à 9 h' },
        data: { type: 'outage', message_id: 'n1-d1' },
        android: { priority: 'HIGH' },
        apns: { headers: { 'apns-priority': '10' } },
      },
    })
  })

  test('names an installation id as such, and normal urgency on both platforms', () => {
    const message = encoded({ ...PUSH, target: { kind: 'fid', value: 'installation' }, urgency: 'normal' })
    assert.partialDeepStrictEqual(message, {
      message: { fid: 'installation', android: { priority: 'NORMAL' }, apns: { headers: { 'apns-priority': '5' } } },
    })
  })

  test('is refused one byte beyond the limit, counted in bytes', () => {
    const used = Buffer.byteLength('message_idn1-d1')
    const fits = 'é'.repeat((PAYLOAD_LIMIT_BYTES - used - 1) / 2)
    const push = { ...PUSH, data: {}, title: '', body: fits }
    const filler = 'x'.repeat(PAYLOAD_LIMIT_BYTES - used - Buffer.byteLength(fits))
    assert.notEqual(encodeMessage({ ...push, title: filler }), undefined)
    assert.equal(encodeMessage({ ...push, title: `${filler}x` }), undefined)
  })
})
