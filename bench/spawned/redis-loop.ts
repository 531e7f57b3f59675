/** Reads and writes of 100 bytes in Redis, so many at a time: by our cache, and by the client that it stands on. */
import { redisCache } from '#src/adapters/cache/redis.ts'
import { redisConnection } from '#src/adapters/redis/connection.ts'
import { createLogger } from '#src/core/logger.ts'
import { answerParent } from '../support/child.ts'

export interface RedisLoop {
  readonly url: string
  readonly by: 'cache' | 'client'
  readonly kind: 'get' | 'set'
  readonly atATime: number
  readonly measuredMs: number
}

const KEYS = 1_000
const VALUE = 'x'.repeat(100)
const TTL_MS = 60_000
const WARM_UP_MS = 300

/** Operations per second. */
answerParent(async ({ url, by, kind, atATime, measuredMs }: RedisLoop): Promise<number> => {
  const log = createLogger('warn', process.stderr)
  await using connection = redisConnection({ url, log, name: 'bench' })
  await connection.ready()
  // Under load a read may take longer than a request would wait; here it is to be counted.
  await using cache = redisCache({ url, log, timeoutMs: 5_000 })
  const { client } = connection
  const calls = {
    cache: { get: (key: string) => cache.get(key), set: (key: string) => cache.set(key, VALUE, TTL_MS) },
    client: { get: (key: string) => client.get(key), set: (key: string) => client.set(key, VALUE, { PX: TTL_MS }) },
  }
  const call = calls[by][kind]
  // The cache answers at once while it is not connected: only a pause lets it connect.
  for (; (await cache.get('there')) === undefined; await pause(10)) await cache.set('there', 'yes', TTL_MS)
  for (let key = 0; key < KEYS; key += 1) await cache.set(`key:${key}`, VALUE, TTL_MS)
  const over = new AbortController()
  let done = 0
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await call(`key:${done % KEYS}`)
      done += 1
    }
  }
  const running = Promise.all(Array.from({ length: atATime }, run))
  await pause(WARM_UP_MS)
  const [startedAt, before] = [performance.now(), done]
  await pause(measuredMs)
  const perSecond = ((done - before) / (performance.now() - startedAt)) * 1_000
  over.abort()
  await running
  return perSecond
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
