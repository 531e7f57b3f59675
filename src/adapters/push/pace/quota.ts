import type { SteadyClock } from '#src/core/clock.ts'
import {
  askBucket,
  type BucketAnswer,
  type BucketAsk,
  type BucketState,
  bucketSettings,
  emptyBucket,
} from './bucket.ts'

/** Where tokens come from. Never rejects. */
export interface Quota extends AsyncDisposable {
  ask(ask: BucketAsk): BucketAnswer | Promise<BucketAnswer>
}

export const DEFAULT_MESSAGES_PER_MINUTE = 600_000

/** A bucket in this process alone. */
export class LocalQuota implements Quota {
  readonly #settings
  readonly #clock: SteadyClock
  #state: BucketState

  /** @param level where to go on after another bucket; a wholly new one starts at the least */
  constructor(messagesPerMinute: number, clock: SteadyClock, level = 0) {
    this.#settings = bucketSettings(messagesPerMinute)
    this.#clock = clock
    this.#state = emptyBucket(Math.max(level, this.#settings.leastLevel), clock())
  }

  ask(ask: BucketAsk): BucketAnswer {
    const { state, answer } = askBucket(this.#settings, this.#state, this.#clock(), ask)
    this.#state = state
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
