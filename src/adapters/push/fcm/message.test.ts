import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Push } from '#src/ports/push-gateway.ts'
import { encoderOf, PAYLOAD_LIMIT_BYTES } from './message.ts'

const PUSH: Push = {
  messageId: 'n1-d1',
  target: { kind: 'token', value: 'device' },
  title: 'Coupure',
  body: 'Demain à 9 h',
  data: { type: 'outage' },
  urgency: 'high',
  ttlMs: 3_600_000,
  lane: 'urgent',
}
const NOW_MS = Date.UTC(2026, 0, 1)
const NOW_S = NOW_MS / 1000

interface Encoded {
  readonly message: {
    readonly data: Record<string, string>
    readonly android: Record<string, string>
    readonly apns: { readonly headers: Record<string, string> }
  }
}

const encoded = (push: Push, nowMs = NOW_MS): Encoded => JSON.parse(encoderOf(push)?.(nowMs) ?? 'null') as Encoded

suite('FCM message', () => {
  test('carries notification, data with the message id, and both platforms’ priority and lifetime', () => {
    assert.deepEqual(encoded(PUSH), {
      message: {
        token: 'device',
        notification: { title: 'Coupure', body: 'Demain à 9 h' },
        data: { type: 'outage', message_id: 'n1-d1' },
        android: { priority: 'HIGH', ttl: '3600s' },
        apns: { headers: { 'apns-priority': '10', 'apns-expiration': String(NOW_S + 3600) } },
      },
    })
  })

  test('names an installation id as such, and normal urgency on both platforms', () => {
    const message = encoded({ ...PUSH, target: { kind: 'fid', value: 'installation' }, urgency: 'normal' })
    assert.partialDeepStrictEqual(message, {
      message: { fid: 'installation', android: { priority: 'NORMAL' }, apns: { headers: { 'apns-priority': '5' } } },
    })
  })

  for (const [ttlMs, ttl, expiration] of [
    [0, '0s', '0'],
    [-5, '0s', '0'],
    [1, '1s', String(NOW_S + 1)],
    [Number.MAX_SAFE_INTEGER, '2419200s', String(NOW_S + 2_419_200)],
  ] as const) {
    test(`a lifetime of ${ttlMs} ms leaves as ${ttl}`, () => {
      const { android, apns } = encoded({ ...PUSH, ttlMs }).message
      assert.equal(android['ttl'], ttl)
      assert.equal(apns.headers['apns-expiration'], expiration)
    })
  }

  test('whenever it leaves, it is kept no longer than its lifetime, nor past its expiry by more than a second', () => {
    const times = fc.record({ ttlMs: fc.nat(2_000_000), leftMs: fc.integer({ min: -5_000, max: 4_000_000 }) })
    fc.assert(
      fc.property(times, fc.nat(100_000_000), ({ ttlMs, leftMs }, passedMs) => {
        const nowMs = NOW_MS + passedMs
        const { android, apns } = encoded({ ...PUSH, ttlMs, expiresAt: new Date(nowMs + leftMs) }, nowMs).message
        const keptS = Number.parseInt(android['ttl'] ?? '', 10)
        assert.equal(keptS, Math.ceil(Math.max(0, Math.min(ttlMs, leftMs)) / 1_000))
        const until = keptS === 0 ? 0 : Math.floor(nowMs / 1_000) + keptS
        assert.equal(apns.headers['apns-expiration'], String(until))
      }),
    )
  })

  test('a collapse key is the same on both platforms, and fits Apple’s limit', () => {
    const keysOf = (collapseKey: string) => {
      const { android, apns } = encoded({ ...PUSH, collapseKey }).message
      assert.equal(android['collapse_key'], apns.headers['apns-collapse-id'])
      return android['collapse_key'] ?? ''
    }
    assert.equal(keysOf('balance'), 'balance')
    const [long, other] = [keysOf('é'.repeat(33)), keysOf('é'.repeat(34))]
    assert.ok(Buffer.byteLength(long) <= 64)
    assert.notEqual(long, other)
  })

  test('the link to open is data, and counts', () => {
    assert.equal(encoded({ ...PUSH, link: 'samaconso://outages/7' }).message.data['deep_link'], 'samaconso://outages/7')
    assert.equal(encoderOf({ ...PUSH, link: 'x'.repeat(PAYLOAD_LIMIT_BYTES) }), undefined)
  })

  test('is refused one byte beyond the limit, counted in bytes', () => {
    const used = Buffer.byteLength('message_idn1-d1')
    const fits = 'é'.repeat((PAYLOAD_LIMIT_BYTES - used - 1) / 2)
    const push = { ...PUSH, data: {}, title: '', body: fits }
    const filler = 'x'.repeat(PAYLOAD_LIMIT_BYTES - used - Buffer.byteLength(fits))
    assert.notEqual(encoderOf({ ...push, title: filler }), undefined)
    assert.equal(encoderOf({ ...push, title: `${filler}x` }), undefined)
  })
})
