import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { askBucket, type BucketAsk, bucketSettings, type BucketState, emptyBucket, RAMP_MS } from './bucket.ts'

const QUOTA = 600_000
const SETTINGS = bucketSettings(QUOTA)
const NOTHING: BucketAsk = { urgent: 0, bulk: 0, rejectedAt: -1, drain: false }
const idle = emptyBucket(SETTINGS.leastLevel, 0)

/** Asks for all there is, every 20 ms; says what was granted and where that led. */
function pressed(state: BucketState, fromMs: number, forMs: number): { state: BucketState; granted: number } {
  let granted = 0
  for (let now = fromMs; now < fromMs + forMs; now += 20) {
    const next = askBucket(SETTINGS, state, now, { ...NOTHING, bulk: QUOTA })
    granted += next.answer.bulk
    state = next.state
  }
  return { state, granted }
}

suite('the bucket of the quota', () => {
  test('a single urgent message after idleness goes at once', () => {
    const { answer } = askBucket(SETTINGS, idle, 3_600_000, { ...NOTHING, urgent: 1 })
    assert.deepEqual([answer.urgent, answer.waitMs], [1, 0])
  })

  test('full speed is reached after a minute of demand, not before', () => {
    const almost = pressed(idle, 0, RAMP_MS)
    assert.ok(almost.state.level < 1)
    assert.ok(almost.granted < QUOTA * 0.52)
    const full = pressed(almost.state, RAMP_MS, 1000)
    assert.equal(full.state.level, 1)
    const minute = pressed(full.state, RAMP_MS + 1000, 60_000)
    assert.ok(minute.granted > QUOTA * 0.98 && minute.granted <= QUOTA)
  })

  test('idleness takes the speed back, step by step', () => {
    const { state } = pressed(idle, 0, RAMP_MS * 1.1)
    const half = askBucket(SETTINGS, state, state.at + RAMP_MS / 2, NOTHING).state
    assert.ok(half.level > 0.45 && half.level < 0.55)
    assert.equal(askBucket(SETTINGS, state, state.at + RAMP_MS * 2, NOTHING).state.level, SETTINGS.leastLevel)
  })

  test('when bulk has taken all it gets, there is something left for urgent', () => {
    const { state } = pressed(idle, 0, 10_000)
    const { answer } = askBucket(SETTINGS, state, state.at, { ...NOTHING, urgent: 5, bulk: 5 })
    assert.deepEqual([answer.urgent, answer.bulk], [5, 0])
  })

  test('a rejection halves the speed; those that left at the same speed do not halve it again', () => {
    const { state } = pressed(idle, 0, RAMP_MS * 1.1)
    const once = askBucket(SETTINGS, state, state.at, { ...NOTHING, rejectedAt: 0 })
    assert.equal(once.answer.level, 0.5)
    assert.equal(once.answer.halvings, 1)
    const same = askBucket(SETTINGS, once.state, state.at, { ...NOTHING, rejectedAt: 0 })
    assert.equal(same.answer.level, 0.5)
    assert.equal(askBucket(SETTINGS, same.state, state.at, { ...NOTHING, rejectedAt: 1 }).answer.level, 0.25)
  })

  test('a clock that goes back grants nothing and is waited for', () => {
    const { state } = pressed(idle, 0, 10_000)
    const back = askBucket(SETTINGS, state, 0, { ...NOTHING, bulk: 1000 })
    assert.deepEqual([back.answer.bulk, back.state.at], [0, state.at])
  })

  test('what was forgotten, or saved up beside others, is an empty bucket', () => {
    assert.equal(askBucket(SETTINGS, idle, 0, { ...NOTHING, urgent: 1 }).answer.urgent, 0)
    assert.equal(askBucket(SETTINGS, idle, 3_600_000, { ...NOTHING, urgent: 1, drain: true }).answer.urgent, 0)
  })

  test('a tiny quota works too', () => {
    const tiny = bucketSettings(60)
    assert.equal(tiny.leastLevel, 1)
    const { answer } = askBucket(tiny, emptyBucket(1, 0), 2000, { ...NOTHING, bulk: 9 })
    assert.equal(answer.bulk, 1)
  })
})
