import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheConformance } from '#test/conformance/cache.ts'
import { memoryCache } from './memory.ts'

cacheConformance('memory', () => {
  let now = 0
  return Promise.resolve({
    cache: memoryCache({ clock: () => now }),
    passTime: (ms) => {
      now += ms
      return Promise.resolve()
    },
    now: () => now,
  })
})

test('what is not read makes room', async () => {
  const cache = memoryCache({ clock: () => 0, maxBytes: 3 * 150 })
  for (const key of ['a', 'b', 'c']) await cache.set(key, key, 1000)
  await cache.get('a')
  await cache.set('d', 'd', 1000)
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd'].map(async (key) => cache.get(key))), [
    'a',
    undefined,
    'c',
    'd',
  ])
})

test('a value larger than the whole cache is not kept, and does not empty it', async () => {
  const cache = memoryCache({ clock: () => 0, maxBytes: 1000 })
  await cache.set('small', 's', 1000)
  await cache.set('large', 'l'.repeat(1000), 1000)
  assert.equal(await cache.get('large'), undefined)
  assert.equal(await cache.get('small'), 's')
  assert.equal(await cache.setIfAbsent('large', 'l'.repeat(1000), 1000), false)
})

test('ten thousand entries stay within the bound', async () => {
  const cache = memoryCache({ clock: () => 0, maxBytes: 100_000 })
  for (let n = 0; n < 10_000; n += 1) await cache.set(`key-${n}`, 'v'.repeat(50), 1000)
  const kept = await Promise.all(Array.from({ length: 10_000 }, async (_, n) => cache.get(`key-${n}`)))
  const count = kept.filter((value) => value !== undefined).length
  assert.ok(count > 300 && count < 1000, `${count} kept`)
  assert.equal(kept.at(-1), 'v'.repeat(50))
})
