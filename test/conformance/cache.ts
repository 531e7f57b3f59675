import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Cache } from '#src/ports/cache.ts'

export interface CacheUnderTest {
  /** Empty, and closed by the suite. */
  readonly cache: Cache
  /** Makes the cache's clock advance; a real server simply waits. */
  readonly passTime: (ms: number) => Promise<void>
  /** The time that lifetimes are measured by. */
  readonly now: () => number
}

/** What every cache must do. Keys are chosen fresh, so that a shared server serves. */
export function cacheConformance(name: string, open: () => Promise<CacheUnderTest>): void {
  const withCache = (run: (subject: CacheUnderTest, key: string) => Promise<void>) => async () => {
    const subject = await open()
    try {
      await run(subject, `conformance:${crypto.randomUUID()}`)
    } finally {
      await subject.cache[Symbol.asyncDispose]()
    }
  }

  suite(`cache: ${name}`, () => {
    test(
      'gives back what was set, exactly',
      withCache(async ({ cache }, key) => {
        for (const value of ['', 'x', 'Sénégal ☀ 😀', '{"a":"\\u0000"}', 'y'.repeat(100_000)]) {
          await cache.set(key, value, 60_000)
          assert.equal(await cache.get(key), value)
        }
      }),
    )

    test(
      'knows nothing of a key that was never set',
      withCache(async ({ cache }, key) => assert.equal(await cache.get(key), undefined)),
    )

    test(
      'forgets when the lifetime is over, not before',
      withCache(async ({ cache, passTime, now }, key) => {
        const setAt = now()
        await cache.set(key, 'v', 1_000)
        const isThere = async (): Promise<boolean> => (await cache.get(key)) === 'v'
        for (let step = 0; step < 100 && (await isThere()); step += 1) await passTime(100)
        assert.ok(now() - setAt >= 1_000, `${now() - setAt} ms`)
        assert.equal(await cache.get(key), undefined)
      }),
    )

    test(
      'setting again starts a new lifetime',
      withCache(async ({ cache, passTime }, key) => {
        await cache.set(key, 'old', 500)
        await cache.set(key, 'new', 60_000)
        await passTime(700)
        assert.equal(await cache.get(key), 'new')
      }),
    )

    test(
      'setIfAbsent writes once, until the value is gone',
      withCache(async ({ cache, passTime }, key) => {
        assert.equal(await cache.setIfAbsent(key, 'first', 60_000), true)
        assert.equal(await cache.setIfAbsent(key, 'second', 60_000), false)
        assert.equal(await cache.get(key), 'first')
        await cache.delete(key)
        assert.equal(await cache.setIfAbsent(key, 'third', 60_000), true)
        assert.equal(await cache.get(key), 'third')
        await cache.set(key, 'brief', 1_000)
        await passTime(1_100)
        assert.equal(await cache.setIfAbsent(key, 'fourth', 1_000), true)
        await passTime(1_100)
        assert.equal(await cache.setIfAbsent(key, 'fifth', 60_000), true)
      }),
    )

    test(
      'of many who set at once, one wins',
      withCache(async ({ cache }, key) => {
        const wins = await Promise.all(Array.from({ length: 20 }, (_, n) => cache.setIfAbsent(key, `${n}`, 60_000)))
        assert.equal(wins.filter(Boolean).length, 1)
        assert.equal(await cache.get(key), `${wins.indexOf(true)}`)
      }),
    )

    test(
      'deletes the keys named, and minds neither none nor absent ones',
      withCache(async ({ cache }, key) => {
        await Promise.all([cache.set(`${key}:a`, '1', 60_000), cache.set(`${key}:b`, '2', 60_000)])
        await cache.delete()
        await cache.delete(`${key}:a`, `${key}:absent`)
        assert.equal(await cache.get(`${key}:a`), undefined)
        assert.equal(await cache.get(`${key}:b`), '2')
      }),
    )
  })
}
