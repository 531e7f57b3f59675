import type { Logger } from '#src/core/logger.ts'
import {
  type ChordPart,
  type ChordProgress,
  type ResultStore,
  ResultStoreUnavailable,
} from '#src/ports/result-store.ts'
import { type RedisConnection, redisConnection } from '../redis/connection.ts'

/** A day, as Celery keeps results. */
const LIFETIME_SECONDS = 86_400

export interface RedisResultsOptions {
  /** Of the database that Python's programs have as their result backend. */
  readonly url: string
  readonly log: Logger
  /** @default 86400, Celery's own */
  readonly lifetimeSeconds?: number
}

/**
 * What nearly every task needs, in one round trip: writes and tells when nothing is stored, else returns what is.
 * A task's slot is taken until its result is stored.
 */
const WRITE_FIRST = `
if redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX') then
  redis.call('PUBLISH', KEYS[1], ARGV[1])
  return false
end
return redis.call('GET', KEYS[1])`

/** Results in Redis exactly where Celery's own backend has them, so that either side reads the other's. */
export function redisResults(options: RedisResultsOptions): ResultStore {
  return new RedisResults(options)
}

class RedisResults implements ResultStore {
  readonly #options: RedisResultsOptions
  readonly #connection: RedisConnection
  readonly #lifetimeSeconds: number
  readonly #watches = new Set<() => void>()
  /** A connection that listens can do nothing else; most processes never listen. */
  #listening: RedisConnection | undefined

  constructor(options: RedisResultsOptions) {
    this.#options = options
    this.#lifetimeSeconds = options.lifetimeSeconds ?? LIFETIME_SECONDS
    this.#connection = redisConnection({ url: options.url, log: options.log, name: 'results' })
  }

  async write(taskId: string, text: string, keeps: (stored: string) => boolean): Promise<boolean> {
    const key = taskKey(taskId)
    const options = { keys: [key], arguments: [text, String(this.#lifetimeSeconds)] }
    const stored = await answered(this.#connection.client.eval(WRITE_FIRST, options))
    if (stored === null) return true
    if (typeof stored === 'string' && keeps(stored)) return false
    await this.#writeAndTell(key, text)
    return true
  }

  async read(taskId: string): Promise<string | undefined> {
    return await this.#get(taskKey(taskId))
  }

  async watch(taskId: string, onText: (text: string) => void): Promise<AsyncDisposable> {
    const key = taskKey(taskId)
    const { client } = await this.#listener()
    const onMessage = (text: string): void => {
      if (this.#watches.has(readAgain)) onText(text)
    }
    const readAgain = (): void => {
      // Both connections were lost; the one that reads may be back later than the one that listens.
      void this.#connection
        .ready()
        .then(async () => this.read(taskId))
        .then((text) => text !== undefined && this.#watches.has(readAgain) && onText(text))
        .catch(() => {})
    }
    this.#watches.add(readAgain)
    const end = async (): Promise<void> => {
      this.#watches.delete(readAgain)
      // Without a connection there is nothing to end, and nobody is told any more either way.
      await client.unsubscribe(key, onMessage).catch(() => {})
    }
    try {
      await answered(client.subscribe(key, onMessage))
      const now = await this.read(taskId)
      if (now !== undefined) onText(now)
    } catch (error) {
      void end()
      throw error
    }
    return { [Symbol.asyncDispose]: end }
  }

  async setChordSize(groupId: string, size: number): Promise<void> {
    await this.#writeAndTell(`${groupKey(groupId)}.s`, String(size))
  }

  async addChordPart(groupId: string, part: ChordPart): Promise<ChordProgress> {
    const key = groupKey(groupId)
    const [parts, total, size] = [`${key}.j`, `${key}.t`, `${key}.s`]
    const [, count, totalText, sizeText] = await answered(
      this.#connection.client
        .multi()
        .zAdd(parts, { score: part.index ?? Infinity, value: part.text })
        .zCount(parts, '-inf', '+inf')
        .get(total)
        .get(size)
        .expire(parts, this.#lifetimeSeconds)
        .expire(total, this.#lifetimeSeconds)
        .expire(size, this.#lifetimeSeconds)
        .exec(),
    )
    const counted = Number(count)
    if (typeof sizeText !== 'string') return { count: counted, size: undefined }
    return { count: counted, size: Number(sizeText) + (typeof totalText === 'string' ? Number(totalText) : 0) }
  }

  async chordParts(groupId: string): Promise<string[]> {
    return await answered(this.#connection.client.zRange(`${groupKey(groupId)}.j`, 0, -1))
  }

  async deleteChord(groupId: string): Promise<void> {
    const key = groupKey(groupId)
    await answered(this.#connection.client.multi().del(`${key}.j`).del(`${key}.t`).del(`${key}.s`).exec())
  }

  async readGroup(groupId: string): Promise<string | undefined> {
    return await this.#get(groupKey(groupId))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watches.clear()
    await this.#listening?.[Symbol.asyncDispose]()
    await this.#connection[Symbol.asyncDispose]()
  }

  async #get(key: string): Promise<string | undefined> {
    return (await answered(this.#connection.client.get(key))) ?? undefined
  }

  /** Clients wait for the message on the channel of the key's own name; both or neither. */
  async #writeAndTell(key: string, text: string): Promise<void> {
    const { client } = this.#connection
    await answered(client.multi().setEx(key, this.#lifetimeSeconds, text).publish(key, text).exec())
  }

  async #listener(): Promise<RedisConnection> {
    const { url, log } = this.#options
    if (this.#listening === undefined) {
      this.#listening = redisConnection({ url, log, name: 'results-listen' })
      // The client subscribes anew by itself; what was told meanwhile is told to nobody.
      this.#listening.client.on('ready', () => {
        for (const readAgain of this.#watches) readAgain()
      })
    }
    await answered(this.#listening.ready(AbortSignal.timeout(LISTEN_LIMIT_MS)))
    return this.#listening
  }
}

const LISTEN_LIMIT_MS = 5_000

async function answered<T>(command: Promise<T>): Promise<T> {
  try {
    return await command
  } catch (error) {
    throw new ResultStoreUnavailable('Redis does not answer', { cause: error })
  }
}

function taskKey(taskId: string): string {
  return `celery-task-meta-${taskId}`
}

function groupKey(groupId: string): string {
  return `celery-taskset-meta-${groupId}`
}
