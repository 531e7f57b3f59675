import type { SteadyClock } from '#src/core/clock.ts'
import type { RedisConnection } from '../../redis/connection.ts'
import { type BucketAnswer, type BucketAsk, type BucketSettings, bucketSettings } from './bucket.ts'
import { BUCKET_SCRIPT } from './bucket-script.ts'
import { LocalQuota, type Quota } from './quota.ts'

export interface RedisQuotaOptions {
  /** Closed with the quota. */
  readonly redis: Pick<RedisConnection, 'ask' | typeof Symbol.asyncDispose>
  readonly messagesPerMinute: number
  /** Among how many the quota is divided while Redis cannot be asked. */
  readonly workers: number
  readonly clock: SteadyClock
  /** @default samaconso:push-quota */
  readonly key?: string
}

const KEY = 'samaconso:push-quota'
const ANSWER_WITHIN_MS = 100

/**
 * One bucket for all workers, in Redis. While Redis is away each sends its share of the quota, at the level that it
 * knew last, and sends nothing that the shared bucket saved up meanwhile. Together they keep to the quota as long as
 * they agree on whether Redis is there; one that alone cannot reach it may add its share.
 */
export class RedisQuota implements Quota {
  readonly #options: RedisQuotaOptions
  readonly #settings: BucketSettings
  #alone: LocalQuota | undefined
  #level = 0

  constructor(options: RedisQuotaOptions) {
    this.#options = options
    this.#settings = bucketSettings(options.messagesPerMinute)
  }

  async ask(ask: BucketAsk): Promise<BucketAnswer> {
    const drain = this.#alone !== undefined
    try {
      const answer = await this.#askRedis({ ...ask, drain })
      this.#alone = undefined
      this.#level = answer.level
      return answer
    } catch {
      // The connection logs its outages; an error that is an answer is one line of Redis's own log.
      const { messagesPerMinute, workers, clock } = this.#options
      this.#alone ??= new LocalQuota(messagesPerMinute / workers, clock, this.#level)
      return this.#alone.ask(ask)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.redis[Symbol.asyncDispose]()
  }

  async #askRedis(ask: BucketAsk): Promise<BucketAnswer> {
    const { tokensPerMs, capacity, leastLevel } = this.#settings
    const numbers = [tokensPerMs, capacity, leastLevel, ask.urgent, ask.bulk, ask.rejectedAt, ask.drain ? 1 : 0]
    const options = { keys: [this.#options.key ?? KEY], arguments: [...numbers.map(String), ''] }
    const answer = await this.#options.redis.ask((client) => client.eval(BUCKET_SCRIPT, options), ANSWER_WITHIN_MS)
    return readBucketAnswer(answer)
  }
}

export function readBucketAnswer(answer: unknown): BucketAnswer {
  const [urgent = 0, bulk = 0, waitMs = 0, level = 0, halvings = 0] = (answer as string[]).map(Number)
  return { urgent, bulk, waitMs, level, halvings }
}
