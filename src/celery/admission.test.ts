import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission } from './admission.ts'
import { wideningFor } from './queue-feed.ts'

test('the most urgent first, in a queue the oldest first', () => {
  const admission = new Admission<string>(['urgent', 'normal'], 3)
  for (const item of ['n1', 'n2']) admission.add('normal', item)
  for (const item of ['u1', 'u2']) admission.add('urgent', item)
  assert.deepEqual(
    [admission.admit(), admission.admit(), admission.admit(), admission.admit()],
    ['u1', 'u2', 'n1', undefined],
  )
  admission.finished('urgent')
  assert.equal(admission.admit(), 'n2')
})

test('a kept slot stays free for its queue however many wait elsewhere', () => {
  const admission = new Admission<string>(['urgent', 'high'], 4, { queue: 'urgent', slots: 1 })
  for (let n = 0; n < 10; n += 1) admission.add('high', `h${n}`)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => admission.admit()),
    ['h0', 'h1', 'h2', undefined],
  )
  admission.add('urgent', 'u0')
  assert.equal(admission.admit(), 'u0')
  admission.finished('high')
  assert.equal(admission.admit(), 'h3')
})

test('never more than allowed, never idle without need', () => {
  const step = fc.oneof(fc.constantFrom('urgent', 'high'), fc.constantFrom('finish urgent', 'finish high'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const admission = new Admission<string>(['urgent', 'high'], 4, { queue: 'urgent', slots: 2 })
      const running = { urgent: 0, high: 0 }
      for (const now of steps) {
        if (now === 'urgent' || now === 'high') admission.add(now, now)
        else {
          const queue = now === 'finish high' ? 'high' : 'urgent'
          if (running[queue] === 0) continue
          running[queue] -= 1
          admission.finished(queue)
        }
        for (let item = admission.admit(); item !== undefined; item = admission.admit())
          running[item as 'urgent' | 'high'] += 1
        assert.ok(running.high <= 2 && running.high + running.urgent <= 4)
        assert.equal(admission.running, running.high + running.urgent)
      }
    }),
  )
})

test('a reserve that makes no sense is refused', () => {
  for (const reserve of [
    { queue: 'other', slots: 1 },
    { queue: 'a', slots: 5 },
    { queue: 'a', slots: 4 },
  ]) {
    assert.throws(() => new Admission(['a', 'b'], 4, reserve), RangeError)
  }
})

test('held messages widen the prefetch in few, large steps', () => {
  let widening = 0
  let changes = 0
  for (const held of [
    ...Array.from({ length: 1000 }, (_, n) => n),
    ...Array.from({ length: 1000 }, (_, n) => 999 - n),
  ]) {
    const next = wideningFor(held, widening, 65_000)
    if (next !== widening) changes += 1
    widening = next
    assert.ok(widening >= held)
  }
  assert.equal(widening, 0)
  assert.ok(changes < 20, `${changes} changes`)
  assert.equal(wideningFor(70_000, 65_000, 65_000), 65_000)
})
