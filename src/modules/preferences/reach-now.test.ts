import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOTIFICATION_TYPES, TYPE_NAMES } from '#src/modules/notifications/types.ts'
import { type Preference, reachNow } from './reach-now.ts'

const MINUTE_MS = 60_000
const MINUTES_OF_DAY = 1_440

const at = (text: string): number => Date.parse(`2026-03-${text}Z`)
const preference = (fields: Partial<Preference>): Preference => ({
  muted_types: [],
  quiet_from: null,
  quiet_until: null,
  ...fields,
})
const nights = preference({ quiet_from: '22:00:00', quiet_until: '06:30:00' })

const minuteOfDay = fc.integer({ min: 0, max: MINUTES_OF_DAY - 1 })
const clockTime = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`
const anyType = fc.oneof(fc.constantFrom(...TYPE_NAMES), fc.string())
const calmPriority = fc.constantFrom('high', 'normal', 'low')
const instant = fc.integer({ min: at('01T00:00:00'), max: at('29T23:59:59') })
const hours = fc.tuple(minuteOfDay, minuteOfDay).filter(([from, until]) => from !== until)
const preferences = fc.record({
  muted_types: fc.subarray([...TYPE_NAMES]),
  quiet: fc.option(hours),
})
const stored = ({ muted_types, quiet }: { muted_types: string[]; quiet: [number, number] | null }): Preference =>
  preference({
    muted_types,
    quiet_from: quiet === null ? null : clockTime(quiet[0]),
    quiet_until: quiet === null ? null : clockTime(quiet[1]),
  })

test('an urgent message reaches everybody, and so does any message to whom chose nothing', () => {
  fc.assert(
    fc.property(preferences, anyType, instant, (given, type, nowMs) => {
      assert.equal(reachNow(stored(given), { type, priority: 'urgent' }, nowMs), 'push')
      assert.equal(reachNow(undefined, { type, priority: 'low' }, nowMs), 'push')
    }),
  )
})

test('a message is held in quiet hours and only there, to the minute, over midnight too', () => {
  fc.assert(
    fc.property(hours, anyType, calmPriority, instant, ([from, until], type, priority, nowMs) => {
      const reach = reachNow(stored({ muted_types: [], quiet: [from, until] }), { type, priority }, nowMs)
      const minute = Math.floor(nowMs / MINUTE_MS) % MINUTES_OF_DAY
      // The oracle walks the clock instead of computing with days.
      const sinceFrom = (minute - from + MINUTES_OF_DAY) % MINUTES_OF_DAY
      const isQuiet = sinceFrom < (until - from + MINUTES_OF_DAY) % MINUTES_OF_DAY
      assert.equal(typeof reach === 'object', isQuiet)
      if (typeof reach !== 'object') return
      const heldUntil = reach.heldUntil.getTime()
      assert.ok(heldUntil > nowMs && heldUntil - nowMs <= MINUTES_OF_DAY * MINUTE_MS)
      assert.equal((heldUntil / MINUTE_MS) % MINUTES_OF_DAY, until)
      assert.equal(reachNow(stored({ muted_types: [], quiet: [from, until] }), { type, priority }, heldUntil), 'push')
    }),
  )
})

test('a muted type is never pushed, nor held for later; others are', () => {
  fc.assert(
    fc.property(preferences, fc.constantFrom(...TYPE_NAMES), calmPriority, instant, (given, type, priority, nowMs) => {
      const isMuted = given.muted_types.includes(type) && NOTIFICATION_TYPES[type].isMuteable
      assert.equal(reachNow(stored(given), { type, priority }, nowMs) === 'muted', isMuted)
    }),
  )
})

test('the night of Dakar, by example', () => {
  const bill = { type: 'bill', priority: 'normal' } as const
  const morning = { heldUntil: new Date('2026-03-16T06:30:00Z') }
  assert.equal(reachNow(nights, bill, at('15T21:59:59.999')), 'push')
  assert.deepEqual(reachNow(nights, bill, at('15T22:00:00')), morning)
  assert.deepEqual(reachNow(nights, bill, at('16T06:29:59.999')), morning)
  assert.equal(reachNow(nights, bill, at('16T06:30:00')), 'push')
})

test("a sender's own type is muted with the general one", () => {
  const muted = preference({ muted_types: ['general'] })
  assert.equal(reachNow(muted, { type: 'newsletter', priority: 'low' }, at('15T12:00:00')), 'muted')
  assert.equal(reachNow(muted, { type: 'bill', priority: 'low' }, at('15T12:00:00')), 'push')
})
