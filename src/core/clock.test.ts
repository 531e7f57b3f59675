import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steadyClock, systemClock } from './clock.ts'

test('the steady clock neither goes back nor ahead with the time of day', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_790_000_000_000 })
  const before = steadyClock()
  t.mock.timers.setTime(1_700_000_000_000)
  assert.equal(systemClock(), 1_700_000_000_000)
  assert.ok(steadyClock() >= before)
  t.mock.timers.setTime(1_900_000_000_000)
  assert.ok(steadyClock() - before < 90_000_000_000)
})
