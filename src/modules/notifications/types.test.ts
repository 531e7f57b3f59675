import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { delivered, knownType, LONGEST_LINK_BYTES, NOTIFICATION_TYPES, TYPE_NAMES } from './types.ts'

const FCM_LONGEST_TTL_MS = 2_419_200_000
const APNS_COLLAPSE_BYTES = 64

const of = (type: string, data: Record<string, string> = {}) => delivered(type, { notificationId: 'n1', data })

const types = fc.oneof(fc.constantFrom(...TYPE_NAMES), fc.string())
const data = fc.dictionary(
  fc.constantFrom('outage_id', 'meter_id', 'zone', '__proto__'),
  fc.oneof(fc.uuid(), fc.string()),
)

test('nothing is kept longer than its type is true, nor than FCM keeps anything', () => {
  fc.assert(
    fc.property(types, data, (type, given) => {
      const { ttlMs } = of(type, given)
      assert.equal(ttlMs, NOTIFICATION_TYPES[knownType(type)].ttlMs)
      assert.ok(ttlMs >= 0 && ttlMs <= FCM_LONGEST_TTL_MS)
    }),
  )
})

test('every link and key is whole, short, and free of what would need escaping', () => {
  fc.assert(
    fc.property(types, data, fc.uuid(), (type, given, notificationId) => {
      const { link, collapseKey } = delivered(type, { notificationId, data: given })
      assert.match(link, /^samaconso:\/\/[\w/-]+$/)
      assert.ok(Buffer.byteLength(link) <= LONGEST_LINK_BYTES, link)
      if (collapseKey === undefined) return
      assert.match(collapseKey, /^[\w-]+$/)
      assert.ok(Buffer.byteLength(collapseKey) <= APNS_COLLAPSE_BYTES, collapseKey)
    }),
  )
})

test('a tap opens what the notification is about, or else the notification', () => {
  assert.equal(of('outage', { outage_id: '77' }).link, 'samaconso://outages/77')
  assert.equal(of('bill', { meter_id: 'm1' }).link, 'samaconso://meters/m1/bills')
  assert.equal(of('account').link, 'samaconso://account')
  for (const wrong of [{}, { outage_id: '' }, { outage_id: '../admin' }, { outage_id: 'x'.repeat(41) }]) {
    assert.equal(of('outage', wrong).link, 'samaconso://notifications/n1')
  }
})

test('an outage and its end replace each other; two outages never do, nor any two bills', () => {
  const key = (type: string, id: string) => of(type, { outage_id: id, meter_id: id }).collapseKey
  assert.equal(key('outage', 'a'), key('outage_over', 'a'))
  assert.notEqual(key('outage', 'a'), key('outage', 'b'))
  assert.notEqual(key('outage', 'a'), key('consumption_alert', 'a'))
  assert.equal(of('outage').collapseKey, undefined, 'which outage is not known')
  for (const type of ['bill', 'purchase', 'meter_share', 'account', 'general']) assert.equal(key(type, 'a'), undefined)
})

test("a sender's own type behaves as a general one", () => {
  const named = { notificationId: randomUUID(), data: { meter_id: 'm1' } }
  for (const type of ['newsletter', 'Outage', 'constructor', '']) {
    assert.equal(knownType(type), 'general')
    assert.deepEqual(delivered(type, named), delivered('general', named))
  }
})
