import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { waitBeforeNextMs } from './limits.ts'

test('whoever asks whenever it likes gets 1 a minute, 5 an hour and 10 a day at most', () => {
  const pauses = fc.array(fc.oneof(fc.nat(50_000), fc.nat(4_000_000), fc.nat(90_000_000)), { maxLength: 60 })
  fc.assert(
    fc.property(pauses, (all) => {
      let now = 0
      const sent: number[] = []
      for (const pause of all) {
        now += pause
        if (waitBeforeNextMs(sent, now) === 0) sent.unshift(now)
      }
      for (const [place, moment] of sent.entries()) {
        for (const [codes, withinMs] of [
          [1, 60_000],
          [5, 3_600_000],
          [10, 86_400_000],
        ] as const) {
          const before = sent[place + codes]
          assert.ok(before === undefined || moment - before >= withinMs)
        }
      }
    }),
  )
})

test('the wait it tells is enough, and no longer than needed', () => {
  const history = fc.array(fc.nat(90_000_000), { maxLength: 12 }).map((all) => all.toSorted((a, b) => b - a))
  fc.assert(
    fc.property(history, fc.nat(10_000), (sent, later) => {
      const now = (sent[0] ?? 0) + later
      const wait = waitBeforeNextMs(sent, now)
      assert.equal(waitBeforeNextMs(sent, now + wait), 0)
      if (wait > 0) assert.equal(waitBeforeNextMs(sent, now + wait - 1), 1)
    }),
  )
})
