import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { redisCache, type RedisCacheOptions, type RedisMiss } from '#src/adapters/cache/redis.ts'
import { redisConnection } from '#src/adapters/redis/connection.ts'
import { createLogger } from '#src/core/logger.ts'
import type { Cache } from '#src/ports/cache.ts'
import { cacheConformance } from '#test/conformance/cache.ts'
import { aTurn } from '#test/support/event-loop.ts'
import { startRedis } from '#test/support/redis.ts'

const server = await startRedis()
after(() => server[Symbol.asyncDispose]())

/** On a busy machine an answer takes a while: only the tests about lateness have production's short limit. */
const PATIENT_MS = 5_000

function bench(options: Partial<RedisCacheOptions> = {}) {
  const lines: string[] = []
  const misses: RedisMiss[] = []
  const cache = redisCache({
    url: server.url,
    log: createLogger('info', { write: (line) => void lines.push(line) }),
    timeoutMs: PATIENT_MS,
    onMiss: (why) => misses.push(why),
    ...options,
  })
  return { cache, lines, misses, [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose]() }
}

/** It connects in the background. */
async function answers(cache: Cache): Promise<void> {
  while (!(await cache.setIfAbsent(crypto.randomUUID(), 'x', 1000))) await delay(5)
}

cacheConformance('Redis', async () => {
  const { cache } = bench()
  await answers(cache)
  return { cache, passTime: (ms) => delay(ms), now: Date.now }
})

test('each prefix is a cache of its own', async () => {
  await using a = bench({ prefix: 'a:' })
  await using b = bench({ prefix: 'b:' })
  await answers(a.cache)
  await answers(b.cache)
  await a.cache.set('key', 'of a', 60_000)
  assert.equal(await b.cache.get('key'), undefined)
  assert.equal(await b.cache.setIfAbsent('key', 'of b', 60_000), true)
  await b.cache.delete('key')
  assert.equal(await a.cache.get('key'), 'of a')
})

test('flushed: nothing is there, and it goes on', async () => {
  await using bench_ = bench()
  const { cache, misses } = bench_
  await answers(cache)
  await cache.set('key', 'value', 60_000)
  await server.flush()
  assert.equal(await cache.get('key'), undefined)
  assert.equal(await cache.setIfAbsent('key', 'again', 60_000), true)
  assert.deepEqual(
    misses.filter((why) => why !== 'away'),
    [],
  )
})

test('more than it holds: old values go, new ones are kept', async () => {
  await using bench_ = bench()
  const { cache, misses } = bench_
  await answers(cache)
  const megabyte = 'x'.repeat(1_000_000)
  for (let n = 0; n < 100; n += 1) await cache.set(`large-${n}`, megabyte, 60_000)
  assert.equal((await cache.get('large-99'))?.length, 1_000_000)
  const kept = await Promise.all(Array.from({ length: 100 }, async (_, n) => cache.get(`large-${n}`)))
  const count = kept.filter((value) => value !== undefined).length
  assert.ok(count > 20 && count < 70, `${count} kept`)
  assert.deepEqual(
    misses.filter((why) => why !== 'away'),
    [],
  )
  await server.flush()
})

test('stopped in mid-use: every call returns, and all works again when it is back', async () => {
  await using bench_ = bench()
  const { cache, misses, lines } = bench_
  await answers(cache)
  await cache.set('key', 'value', 60_000)
  const calls = Array.from({ length: 200 }, async () => cache.get('key'))
  await server.kill()
  for (const value of await Promise.all(calls)) assert.ok(value === 'value' || value === undefined)
  // Until the end of the connection is here a copy may be.
  while ((await cache.get('key')) !== undefined) await delay(5)
  await cache.set('key', 'lost', 60_000)
  await cache.delete('key')
  assert.equal(await cache.setIfAbsent('key', 'lost', 60_000), false)
  assert.ok(misses.length >= 4)
  await server.start()
  await answers(cache)
  await cache.set('key', 'new', 60_000)
  assert.equal(await cache.get('key'), 'new')
  assert.equal(lines.filter((line) => line.includes('Redis is away')).length, 1)
  assert.equal(lines.filter((line) => line.includes('Redis is back')).length, 1)
})

test('what was read is answered without Redis while its connection stands', async () => {
  await using bench_ = bench()
  const { cache } = bench_
  await answers(cache)
  await cache.set('copied', 'value', 60_000)
  // The first read may meet the news of the write, and is then not copied.
  await cache.get('copied')
  await cache.get('copied')
  server.pause()
  try {
    assert.equal(await cache.get('copied'), 'value')
    const deleted = cache.delete('copied')
    const again = cache.get('copied')
    server.resume()
    await deleted
    assert.equal(await again, undefined)
  } finally {
    server.resume()
  }
})

test('what another process writes, deletes or flushes is seen though a copy was there', async () => {
  await using ours = bench()
  await using other = bench()
  await answers(ours.cache)
  await answers(other.cache)
  const seen = async (value: string | undefined): Promise<void> => {
    while ((await ours.cache.get('shared')) !== value) await aTurn()
    assert.equal(await ours.cache.get('shared'), value)
  }
  for (const value of ['one', 'two', 'three']) {
    await other.cache.set('shared', value, 60_000)
    await seen(value)
  }
  await other.cache.delete('shared')
  await seen(undefined)
  await other.cache.set('shared', 'four', 60_000)
  await seen('four')
  await server.flush()
  await seen(undefined)
})

test('a value that an older release wrote is read as it is', async () => {
  await using bench_ = bench()
  const { cache } = bench_
  await answers(cache)
  await using connection = redisConnection({ url: server.url, log: createLogger('silent'), name: 'older' })
  await connection.ready()
  await connection.client.set('older', 'a value of its time')
  assert.equal(await cache.get('older'), 'a value of its time')
  assert.equal(await cache.get('older'), 'a value of its time')
})

test('a write is read back at once, however many read meanwhile', async () => {
  await using bench_ = bench()
  const { cache } = bench_
  await answers(cache)
  for (let n = 0; n < 200; n += 1) {
    const before = cache.get('counter')
    const written = cache.set('counter', `${n}`, 60_000)
    const during = cache.get('counter')
    await Promise.all([before, written])
    assert.equal(await during, `${n}`)
    assert.equal(await cache.get('counter'), `${n}`)
  }
})

test('never there: nothing is waited for', async () => {
  await using bench_ = bench({ url: 'redis://127.0.0.1:1/0' })
  const { cache, misses } = bench_
  assert.equal(await cache.get('key'), undefined)
  assert.deepEqual(misses, ['away'])
})

/** A cache whose answers are late when the test says so. */
async function slowBench() {
  const due = new Set<() => void>()
  const timers = {
    now: () => 0,
    after: (_delayMs: number, wake: () => void) => {
      due.add(wake)
      return () => due.delete(wake)
    },
  }
  const inner = bench({ timers })
  await answers(inner.cache)
  inner.misses.length = 0
  return {
    ...inner,
    /** Asks so often that Redis is given up for now. */
    async goSilent(): Promise<void> {
      server.pause()
      const asked = Array.from({ length: 5 }, async () => inner.cache.get('key'))
      due.forEach((wake) => wake())
      assert.deepEqual(await Promise.all(asked), Array.from({ length: 5 }))
      assert.equal(await inner.cache.get('key'), undefined)
      assert.equal(await inner.cache.setIfAbsent('key', 'x', 60_000), false)
      assert.deepEqual(inner.misses, ['late', 'late', 'late', 'late', 'late', 'away', 'away'])
      assert.equal(inner.lines.filter((line) => line.includes('does not answer')).length, 1)
    },
    async [Symbol.asyncDispose]() {
      server.resume()
      await inner[Symbol.asyncDispose]()
    },
  }
}

test('slow: after a few late answers it is not asked until it has given them', async () => {
  await using slow = await slowBench()
  await slow.goSilent()
  server.resume()
  await answers(slow.cache)
  await slow.cache.set('key', 'value', 60_000)
  assert.equal(await slow.cache.get('key'), 'value')
})

test('silent for ever: when the dead connection is gone, the next one is used at once', async () => {
  await using slow = await slowBench()
  await slow.goSilent()
  await server.kill()
  await server.start()
  await answers(slow.cache)
  await slow.cache.set('key', 'value', 60_000)
  assert.equal(await slow.cache.get('key'), 'value')
})

test('a wrong password is logged once, and never shown', async () => {
  const wrong = 'not-the-password'
  const url = Object.assign(new URL(server.url), { password: wrong }).href
  await using bench_ = bench({ url })
  const { cache, lines } = bench_
  while (lines.length === 0) await delay(5)
  assert.equal(await cache.get('key'), undefined)
  // Some more attempts go by.
  await delay(500)
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /WRONGPASS/)
  assert.ok(!lines[0]!.includes(wrong))
})
