import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TargetLimits } from './target-limits.ts'

const limits = (): TargetLimits => new TargetLimits({ messagesPerMinute: 600_000, workers: 2 })

/** When each of the messages went that `target` got while it was tried every `everyMs`. */
function sendingTo(target: string, everyMs: number, forMs: number): number[] {
  const subject = limits()
  const sent: number[] = []
  for (let now = 1_000_000; now < 1_000_000 + forMs; now += everyMs) {
    if (subject.take(target, now) === 0) sent.push(now)
  }
  return sent
}

function mostWithin(times: readonly number[], windowMs: number): number {
  let first = 0
  let most = 0
  times.forEach((time, at) => {
    while ((times[first] ?? time) <= time - windowMs) first += 1
    most = Math.max(most, at - first + 1)
  })
  return most
}

suite('limits of one target', () => {
  test('a target gets its part of 240 in any minute', () => {
    const sent = sendingTo('device', 100, 300_000)
    assert.equal(mostWithin(sent, 60_000), 120)
    assert.ok(sent.length >= 4 * 120)
  })

  test('a target gets its part of 5,000 in any hour', () => {
    assert.equal(mostWithin(sendingTo('device', 550, 3 * 3_600_000), 3_600_000), 2_500)
  })

  test('the wait that it names is enough, and other targets do not wait', () => {
    const subject = limits()
    let now = 1_000_000
    for (let count = 0; count < 120; count += 1) assert.equal(subject.take('device', (now += 7)), 0)
    const waitMs = subject.take('device', now)
    assert.ok(waitMs > 0 && waitMs <= 80_000)
    assert.equal(subject.take('other', now), 0)
    assert.notEqual(subject.take('device', now + waitMs - 1), 0)
    assert.equal(subject.take('device', now + waitMs), 0)
  })

  test('a broadcast to a million targets makes none of them wait', () => {
    const subject = limits()
    let waited = 0
    for (let at = 0; at < 1_000_000; at += 1) if (subject.take(`device-${at}`, 1_000_000 + at / 10) > 0) waited += 1
    assert.equal(waited, 0)
  })

  test('a target that the provider wants spared waits alone, and is forgotten among many', () => {
    const subject = limits()
    subject.hold('device', 60_000, 0)
    assert.equal(subject.take('device', 20_000), 40_000)
    assert.equal(subject.take('other', 20_000), 0)
    assert.equal(subject.take('device', 60_000), 0)
    for (let at = 0; at <= 10_000; at += 1) subject.hold(`device-${at}`, 60_000, 0)
    assert.equal(subject.take('device-0', 1000), 0)
    assert.equal(subject.take('device-1', 1000), 59_000)
  })
})
