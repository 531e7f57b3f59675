import type { Logger } from '#src/core/logger.ts'
import { type RedisClient, type RedisConnection, redisConnection, RedisUnavailable } from '../redis/connection.ts'
import { systemTimers, type Timers } from '#src/core/timers.ts'
import type { Cache } from '#src/ports/cache.ts'
import { Copies, type Copy } from './copies.ts'

export interface RedisCacheOptions {
  readonly url: string
  readonly log: Logger
  /** Before every key, where several programs share a Redis. @default '' */
  readonly prefix?: string
  /** How long a call waits for Redis before it goes without. @default 100 */
  readonly timeoutMs?: number
  /** Told of every call that went without an answer, by its kind; for a metric. */
  readonly onMiss?: (why: RedisMiss) => void
  /** What the copies inside the process may take, by estimate. @default 32 MiB */
  readonly maxCopiesBytes?: number
  readonly timers?: Timers
}

/** `away`: not even asked, as Redis is known to be away. `late`: no answer in time. `failed`: an error was the answer. */
export type RedisMiss = 'away' | 'late' | 'failed'

/**
 * A cache in Redis, which may be away, slow, evicting or flushed at any time: then there simply is nothing in it.
 *
 * What was read is copied into the process, and Redis tells when it has changed: a write by this process shows in it
 * at once, one by another as soon as that message is here. A connection that falls silent is found out after 15 seconds
 * at most; with the connection all copies go.
 */
export function redisCache(options: RedisCacheOptions): Cache {
  return new RedisCache(options)
}

class RedisCache implements Cache {
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #onMiss: (why: RedisMiss) => void
  readonly #timers: Timers
  readonly #copies: Copies

  constructor(options: RedisCacheOptions) {
    const { url, log, prefix = '', timeoutMs = 100, onMiss = () => {}, timers = systemTimers } = options
    const copies = new Copies(timers.now, options.maxCopiesBytes ?? 32 * 1024 * 1024)
    const onInvalidated = (key: string | undefined): void =>
      key === undefined ? copies.forgetAll() : copies.forget(key)
    this.#copies = copies
    this.#timers = timers
    this.#connection = redisConnection({ url, log, name: 'cache', timers, onInvalidated })
    this.#prefix = prefix
    this.#timeoutMs = timeoutMs
    this.#onMiss = onMiss
  }

  get(key: string): string | Promise<string | undefined> {
    const stored = this.#prefix + key
    const copy = this.#connection.isAnswering ? this.#copies.get(stored) : undefined
    return copy ?? this.#read(stored)
  }

  async #read(stored: string): Promise<string | undefined> {
    const expected = this.#copies.expect(stored)
    const text = await this.#ask((client) => client.get(stored))
    const found = text == null ? undefined : decode(text)
    this.#copies.keep(stored, expected, found)
    return found?.value
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#write(key, value, ttlMs, {})
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    return (await this.#write(key, value, ttlMs, { condition: 'NX' })) === 'OK'
  }

  async delete(...keys: readonly string[]): Promise<void> {
    const stored = keys.map((key) => this.#prefix + key)
    for (const key of stored) this.#copies.forget(key)
    if (stored.length > 0) await this.#ask((client) => client.del(stored))
  }

  #write(key: string, value: string, ttlMs: number, condition: { condition?: 'NX' }) {
    const stored = this.#prefix + key
    const lifetimeMs = Math.max(1, Math.round(ttlMs))
    const text = `${this.#timers.now() + lifetimeMs} ${value}`
    this.#copies.forget(stored)
    return this.#ask((client) =>
      client.set(stored, text, { expiration: { type: 'PX', value: lifetimeMs }, ...condition }),
    )
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

/**
 * The end of its lifetime goes before a value, for the copies: to ask Redis for it would cost another command. What was
 * written without it, by an older release, is not copied.
 */
function decode(text: string): Copy {
  const end = text.indexOf(' ')
  const expiresAt = end > 0 ? Number(text.slice(0, end)) : Number.NaN
  return Number.isSafeInteger(expiresAt) ? { value: text.slice(end + 1), expiresAt } : { value: text, expiresAt: 0 }
}
