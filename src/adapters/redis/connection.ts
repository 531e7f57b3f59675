import { createClient } from '@redis/client'
import type { Logger } from '#src/core/logger.ts'
import { systemTimers, type Timers } from '#src/core/timers.ts'

export type RedisClient = ReturnType<typeof createClient>

export interface RedisConnectionOptions {
  /** `redis[s]://[[user]:password@]host[:port][/database]` */
  readonly url: string
  readonly log: Logger
  /** How Redis lists us (CLIENT LIST): letters, digits and dashes. */
  readonly name: string
  readonly timers?: Timers
  /**
   * Lets Redis (6 or later) tell which keys read over this connection are no longer what they were: changed by anyone,
   * this connection included, run out, or evicted. Undefined stands for all of them: Redis was flushed, or the
   * connection is gone, after which it cannot tell. Told before the answer to anything that was asked after the change.
   */
  readonly onInvalidated?: (key: string | undefined) => void
}

/** One connection that comes back by itself. */
export interface RedisConnection extends AsyncDisposable {
  /**
   * For what `ask` cannot do, such as to subscribe. Commands fail at once while there is no connection, and when it
   * breaks; nothing is kept for later. There is no limit for how long a reply may take.
   */
  readonly client: RedisClient
  readonly isReady: boolean
  /** Connected, and in time with its answers of late. */
  readonly isAnswering: boolean
  /**
   * What Redis answers, or an error's answer as it is. Waits no longer than `limitMs`; a question without an answer may
   * have been acted on. @throws RedisUnavailable
   */
  ask<T>(question: (client: RedisClient) => Promise<T>, limitMs: number): Promise<T>
  /** Resolves at once while connected, else when the connection is there. Rejects when it was closed or `signal` aborts. */
  ready(signal?: AbortSignal): Promise<void>
}

/** `away`: it was not even asked, as it is known to be away. `late`: no answer in time. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
  readonly why: 'away' | 'late'

  constructor(why: RedisUnavailable['why']) {
    super(why === 'away' ? 'Redis is away' : 'Redis did not answer in time')
    this.why = why
  }
}

/**
 * So many questions may be late and still unanswered; then Redis (stopped, swapping, behind a network that swallows
 * all) is asked nothing until it has answered them. That keeps everybody from waiting for nothing, and lets a dead
 * connection fall silent, by which it is found out.
 */
const MOST_LATE = 5
const LONGEST_PAUSE_MS = 5_000
const CONNECT_LIMIT_MS = 5_000
/** A connection that carries nothing for so long is dead, as pings go out more often. */
const SILENCE_LIMIT_MS = 15_000
const PING_INTERVAL_MS = 5_000

/** Connects in the background; a Redis that is away, or refuses the password, is tried again for ever. */
export function redisConnection(options: RedisConnectionOptions): RedisConnection {
  return new Connection(options)
}

class Connection implements RedisConnection {
  readonly client: RedisClient
  readonly #log: Logger
  readonly #name: string
  readonly #timers: Timers
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  #isClosed = false
  /** One line per outage, not one per attempt. */
  #isOutageLogged = false
  #late = 0
  #isSilent = false

  constructor({ url, log, name, timers = systemTimers, onInvalidated }: RedisConnectionOptions) {
    this.#timers = timers
    this.#log = log
    this.#name = name
    this.client = newClient(url, name, onInvalidated !== undefined)
    this.client.on('error', (error: unknown) => this.#away(error))
    this.client.on('ready', () => this.#back())
    if (onInvalidated !== undefined) tellInvalidated(this.client, onInvalidated)
    this.client.connect().catch((error: unknown) => this.#away(error))
  }

  get isReady(): boolean {
    return this.client.isReady
  }

  get isAnswering(): boolean {
    return this.client.isReady && this.#late < MOST_LATE
  }

  async ask<T>(question: (client: RedisClient) => Promise<T>, limitMs: number): Promise<T> {
    if (!this.isAnswering) throw new RedisUnavailable('away')
    const answer = question(this.client)
    return new Promise((resolve, reject) => {
      let isLate = false
      const stopTimer = this.#timers.after(limitMs, () => {
        isLate = true
        this.#expectLate(answer)
        reject(new RedisUnavailable('late'))
      })
      answer.then(
        (value) => {
          stopTimer()
          if (!isLate) this.#inTime()
          resolve(value)
        },
        (error: Error) => {
          stopTimer()
          reject(error)
        },
      )
    })
  }

  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new Error('the Redis connection was closed')
    if (this.client.isReady) return
    const waiting = Promise.withResolvers<void>()
    const abort = (): void => waiting.reject(signal?.reason)
    this.#waiting.add(waiting)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await waiting.promise
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#waiting.delete(waiting)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      for (const waiting of this.#waiting) waiting.reject(new Error('the Redis connection was closed'))
      this.client.destroy()
    }
    return Promise.resolve()
  }

  #inTime(): void {
    if (this.#isSilent) this.#log.info({ connection: this.#name }, 'Redis answers in time again')
    this.#isSilent = false
  }

  #expectLate(answer: Promise<unknown>): void {
    this.#late += 1
    if (this.#late === MOST_LATE && !this.#isSilent) {
      this.#isSilent = true
      this.#log.warn({ connection: this.#name }, 'Redis does not answer in time: going without it')
    }
    const isOver = (): void => void (this.#late -= 1)
    answer.then(isOver, isOver)
  }

  #away(error: unknown): void {
    if (this.#isClosed || this.#isOutageLogged) return
    this.#isOutageLogged = true
    // Its own fields could hold the address with the password; its message does not.
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.warn({ connection: this.#name, reason }, 'Redis is away')
  }

  #back(): void {
    if (this.#isOutageLogged) this.#log.info({ connection: this.#name }, 'Redis is back')
    this.#isOutageLogged = false
    for (const waiting of this.#waiting) waiting.resolve()
  }
}

/** @throws Error that does not show the address, as it holds the password */
function newClient(url: string, name: string, emitInvalidate: boolean): RedisClient {
  try {
    return createClient({
      url,
      name,
      emitInvalidate,
      disableOfflineQueue: true,
      // Word of moves inside Redis Enterprise, for which each invalidation would be looked through as well.
      maintNotifications: 'disabled',
      pingInterval: PING_INTERVAL_MS,
      // Nothing waits to be written for long, and the library's limit costs a timer and a signal per command.
      commandOptions: { timeout: 0 },
      socket: { connectTimeout: CONNECT_LIMIT_MS, socketTimeout: SILENCE_LIMIT_MS, reconnectStrategy: pauseBefore },
    })
  } catch {
    throw new Error('the address of Redis is not like redis://:password@host:port/0')
  }
}

function tellInvalidated(client: RedisClient, onInvalidated: (key: string | undefined) => void): void {
  // A Buffer or a string, depending on what else Redis was being asked; null after a flush.
  client.on('invalidate', (key: Buffer | string | null) => onInvalidated(key?.toString()))
  const forgetAll = (): void => onInvalidated(undefined)
  client.on('error', forgetAll).on('reconnecting', forgetAll).on('ready', forgetAll)
}

/** Doubling from 50 ms, with jitter so that many clients do not come back in one wave. */
function pauseBefore(retries: number): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(retries, 10))
  return pauseMs / 2 + Math.random() * (pauseMs / 2)
}
