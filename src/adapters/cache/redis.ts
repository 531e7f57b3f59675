import type { Logger } from '#src/core/logger.ts'
import { type RedisConnection, redisConnection } from '#src/adapters/redis/connection.ts'
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

const LATE: unique symbol = Symbol('late')
/**
 * So many questions may be late and still unanswered; then Redis (stopped, swapping, behind a network that swallows
 * all) is asked nothing until it has answered them. That keeps requests from waiting for nothing, and lets a dead
 * connection fall silent, by which it is found out.
 */
const MOST_LATE = 5

/** A cache in Redis, which may be away, slow, evicting or flushed at any time: then there simply is nothing in it. */
export function redisCache(options: RedisCacheOptions): Cache {
  return new RedisCache(options)
}

class RedisCache implements Cache {
  readonly #connection: RedisConnection
  readonly #options: RedisCacheOptions
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #timers: Timers
  #late = 0
  #isSilent = false

  constructor(options: RedisCacheOptions) {
    this.#options = options
    this.#connection = redisConnection({ url: options.url, log: options.log, name: 'cache' })
    this.#prefix = options.prefix ?? ''
    this.#timeoutMs = options.timeoutMs ?? 100
    this.#timers = options.timers ?? systemTimers
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
  async #ask<T>(question: (client: RedisConnection['client']) => Promise<T>): Promise<T | undefined> {
    if (!this.#connection.isReady || this.#late >= MOST_LATE) return this.#without('away')
    const late = Promise.withResolvers<typeof LATE>()
    const stopTimer = this.#timers.after(this.#timeoutMs, () => late.resolve(LATE))
    try {
      const answer = question(this.#connection.client)
      const first = await Promise.race([answer, late.promise])
      if (first !== LATE) return this.#answered(first)
      this.#expectLate(answer)
      return this.#without('late')
    } catch {
      return this.#without('failed')
    } finally {
      stopTimer()
    }
  }

  #answered<T>(answer: T): T {
    if (this.#isSilent) this.#options.log.info('Redis answers in time again')
    this.#isSilent = false
    return answer
  }

  #expectLate(answer: Promise<unknown>): void {
    this.#late += 1
    if (this.#late === MOST_LATE && !this.#isSilent) {
      this.#isSilent = true
      this.#options.log.warn({ timeoutMs: this.#timeoutMs }, 'Redis does not answer in time: going without it')
    }
    const isOver = (): void => void (this.#late -= 1)
    answer.then(isOver, isOver)
  }

  #without(why: RedisMiss): undefined {
    this.#options.onMiss?.(why)
    return undefined
  }
}

function lifetime(ttlMs: number) {
  return { expiration: { type: 'PX', value: Math.max(1, Math.round(ttlMs)) } } as const
}
