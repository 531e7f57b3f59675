import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualTime } from '#test/celery/virtual-time.ts'
import { Schedule } from './schedule.ts'

test('items come out in the order of their times, with one timer for all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 30 }), fc.nat(50), async (delays, passedMs) => {
      const time = new VirtualTime(0)
      const out: number[] = []
      const schedule = new Schedule<number>(time, (index) => out.push(index))
      for (const [index, delay] of delays.entries()) schedule.add(delay, index)
      assert.ok(time.waiting <= 1)
      await time.pass(passedMs)
      const expected = [...delays.entries()].filter(([, delay]) => delay <= passedMs).toSorted((a, b) => a[1] - b[1])
      assert.deepEqual(
        out,
        expected.map(([index]) => index),
      )
      assert.equal(schedule.size, delays.length - out.length)
    }),
    { numRuns: 40 },
  )
})

test('what is removed does not come out, and an empty schedule leaves no timer', async () => {
  const time = new VirtualTime(0)
  const out: number[] = []
  const schedule = new Schedule<number>(time, (item) => out.push(item))
  for (let item = 0; item < 20; item += 1) schedule.add(100 - item, item)
  assert.deepEqual(schedule.remove((item) => item % 2 === 0).length, 10)
  await time.pass(90)
  assert.deepEqual(out, [19, 17, 15, 13, 11])
  schedule.remove(() => true)
  assert.deepEqual([schedule.size, time.waiting], [0, 0])
})
