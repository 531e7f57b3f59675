import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GIVE_UP_AFTER_MS, isTooLate, pastExpiry, verdictOf } from './verdict.ts'

const START = Date.UTC(2026, 0, 1)
const firstTriedAt = new Date(START)
const retry = (afterMs: number, maybeSent = false) =>
  ({ state: 'retry', reason: 'UNAVAILABLE', afterMs, maybeSent }) as const

const limits = (random: () => number, expiresAt: Date | null = null) => ({ expiresAt, random })

test('each final outcome is recorded as what it is', () => {
  const attempt = { attempts: 1, firstTriedAt }
  assert.deepEqual(verdictOf({ state: 'sent', providerId: 'p' }, attempt, START, limits(Math.random)), {
    state: 'sent',
    providerId: 'p',
  })
  assert.deepEqual(verdictOf({ state: 'dead_target', reason: 'R' }, attempt, START, limits(Math.random)), {
    state: 'dead',
    reason: 'R',
  })
  assert.deepEqual(verdictOf({ state: 'refused', reason: 'R' }, attempt, START, limits(Math.random)), {
    state: 'failed',
    reason: 'R',
    quarantine: false,
    maybeArrived: false,
  })
})

test('a retry never comes before the least wait, nor after the hour', () => {
  const attempt = fc.record({
    attempts: fc.integer({ min: 1, max: 500 }),
    afterMs: fc.integer({ min: 0, max: 2 * GIVE_UP_AFTER_MS }),
    elapsedMs: fc.integer({ min: 0, max: 2 * GIVE_UP_AFTER_MS }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  })
  fc.assert(
    fc.property(attempt, ({ attempts, afterMs, elapsedMs, random }) => {
      const now = START + elapsedMs
      const verdict = verdictOf(
        retry(afterMs),
        { attempts, firstTriedAt },
        now,
        limits(() => random),
      )
      if (verdict.state === 'failed') return
      assert.ok(verdict.state === 'retrying')
      assert.ok(verdict.nextAttemptAt.getTime() >= now + Math.max(afterMs, 10_000))
      assert.ok(verdict.nextAttemptAt.getTime() < START + GIVE_UP_AFTER_MS)
    }),
  )
})

test('whatever the provider keeps saying, it ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 120_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (afterMs, random) => {
        let now = START
        for (let attempts = 1; ; attempts += 1) {
          assert.ok(attempts < 20, 'it goes on for ever')
          const verdict = verdictOf(
            retry(afterMs),
            { attempts, firstTriedAt },
            now,
            limits(() => random),
          )
          if (verdict.state !== 'retrying') return
          now = verdict.nextAttemptAt.getTime()
          assert.ok(!isTooLate({ attempts, firstTriedAt }, now))
        }
      },
    ),
  )
})

test('an attempt that may have arrived is remembered as such', () => {
  const verdict = verdictOf(
    retry(0, true),
    { attempts: 1, firstTriedAt },
    START,
    limits(() => 0),
  )
  assert.ok(verdict.state === 'retrying' && verdict.maybeDuplicate)
})

test('nothing is tried again after the notification has expired', () => {
  const attempt = { attempts: 1, firstTriedAt: new Date(START) }
  const wait = { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false } as const
  const stateWith = (expiresMs: number): string =>
    verdictOf(
      wait,
      attempt,
      START,
      limits(() => 0, new Date(START + expiresMs)),
    ).state
  assert.deepEqual([stateWith(10_000), stateWith(10_001)], ['failed', 'retrying'])
})

test('what was never tried has expired; what may have been is given up', () => {
  const stateAt = (attempts: number, mayHaveArrived: boolean) =>
    pastExpiry({ attempts, firstTriedAt }, mayHaveArrived).state
  assert.deepEqual([stateAt(1, false), stateAt(1, true), stateAt(2, false)], ['expired', 'failed', 'failed'])
})
