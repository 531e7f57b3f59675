import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { PushCounts } from './push-counts.ts'

suite('push counts', () => {
  test('tell how many pushes were accepted once, twice and so on', () => {
    const target = fc.constantFrom('a', 'b', 'ab', '')
    const messageId = fc.constantFrom('', '1', 'b1')
    fc.assert(
      fc.property(fc.array(fc.tuple(target, messageId)), (pushes) => {
        const counts = new PushCounts()
        const expected = new Map<string, number>()
        for (const [to, id] of pushes) {
          counts.add(to, id)
          expected.set(`${to}/${id}`, (expected.get(`${to}/${id}`) ?? 0) + 1)
        }
        const byTimes: Record<string, number> = {}
        for (const times of expected.values()) byTimes[times] = (byTimes[times] ?? 0) + 1
        const { distinct, by_times: found } = counts.view()
        assert.deepEqual([distinct, found], [expected.size, byTimes])
      }),
    )
  })

  test('keep apart a hundred thousand that differ in their last digits alone', () => {
    const counts = new PushCounts()
    for (let place = 0; place < 100_000; place += 1) counts.add(`bench-${place}`, 'one message')
    for (let place = 0; place < 10; place += 1) counts.add(`bench-${place}`, 'one message')
    assert.deepEqual(counts.view().by_times, { 1: 99_990, 2: 10 })
  })

  test('the digest is that of the set, in any order and however often', () => {
    const digestOf = (...pushes: string[]): string => {
      const counts = new PushCounts()
      for (const target of pushes) counts.add(target, 'm')
      return counts.view().digest
    }
    assert.equal(digestOf('a', 'b', 'c'), digestOf('c', 'a', 'b', 'a'))
    assert.notEqual(digestOf('a', 'b', 'c'), digestOf('a', 'b', 'd'))
    assert.notEqual(digestOf('a', 'b', 'c'), digestOf('a', 'b'))
  })

  test('forget everything when they are cleared', () => {
    const counts = new PushCounts()
    counts.add('a', 'm')
    counts.clear()
    assert.deepEqual(counts.view(), new PushCounts().view())
    counts.add('a', 'm')
    assert.deepEqual(counts.view().by_times, { 1: 1 })
  })
})
