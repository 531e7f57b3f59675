import type { Logger } from '#src/core/logger.ts'
import { type RedisClient, type RedisConnection, redisConnection, RedisUnavailable } from '../redis/connection.ts'
import { systemTimers, type Timers } from '#src/core/timers.ts'
import type { Cache } from '#src/ports/cache.ts'

export interface RedisCacheOptions {
  readonly url: string
  readonly log: Logger
  /** Before every key, where several programs share a Redis. @default '' */
  readonly prefix?: string
  /** How long a call waits for Redis before it goes without. @default 100 */
  readonly timeoutMs?: number
  /** Told of every call that went without an answer, by its kind; for a metric. */
  readonly onMiss?: (why: RedisMiss) => void
  readonly timers?: Timers
}

/** `away`: not even asked, as Redis is known to be away. `late`: no answer in time. `failed`: an error was the answer. */
export type RedisMiss = 'away' | 'late' | 'failed'

/** A cache in Redis, which may be away, slow, evicting or flushed at any time: then there simply is nothing in it. */
export function redisCache(options: RedisCacheOptions): Cache {
  return new RedisCache(options)
}

class RedisCache implements Cache {
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #onMiss: (why: RedisMiss) => void

  constructor(options: RedisCacheOptions) {
    const { url, log, prefix = '', timeoutMs = 100, onMiss = () => {}, timers = systemTimers } = options
    this.#connection = redisConnection({ url, log, name: 'cache', timers })
    this.#prefix = prefix
    this.#timeoutMs = timeoutMs
    this.#onMiss = onMiss
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#ask((client) => client.get(this.#prefix + key))
    return value ?? undefined
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#ask((client) => client.set(this.#prefix + key, value, lifetime(ttlMs)))
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    const options = { ...lifetime(ttlMs), condition: 'NX' } as const
    return (await this.#ask((client) => client.set(this.#prefix + key, value, options))) === 'OK'
  }

  async delete(...keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#ask((client) => client.del(keys.map((key) => this.#prefix + key)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]()
  }

  /** Redis's answer, or undefined. Never rejects, and waits no longer than `timeoutMs`. */
  async #ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#connection.ask(question, this.#timeoutMs)
    } catch (error) {
      this.#onMiss(error instanceof RedisUnavailable ? error.why : 'failed')
      return undefined
    }
  }
}

function lifetime(ttlMs: number) {
  return { expiration: { type: 'PX', value: Math.max(1, Math.round(ttlMs)) } } as const
}
