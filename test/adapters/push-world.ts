import { pacedGateway } from '#src/adapters/push/pace/paced-gateway.ts'
import {
  askBucket,
  type BucketAsk,
  bucketSettings,
  type BucketState,
  emptyBucket,
} from '#src/adapters/push/pace/bucket.ts'
import { RedisQuota, type RedisQuotaOptions } from '#src/adapters/push/pace/redis-quota.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Push, PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { captureLog } from '#test/support/log.ts'

interface Alarm {
  readonly dueAt: number
  readonly order: number
  wake: (() => void) | undefined
}

/** A clock that jumps from one waiter to the next; much quicker than time that passes in steps. */
export class EventTime implements Timers {
  #nowMs = 1_790_000_000_000
  /** A heap by due time, then by age. */
  readonly #heap: Alarm[] = []
  #order = 0

  readonly now = (): number => this.#nowMs

  after(delayMs: number, wake: () => void): () => void {
    const entry: Alarm = { dueAt: this.#nowMs + Math.max(0, delayMs), order: (this.#order += 1), wake }
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
    return () => void (entry.wake = undefined)
  }

  /** Until nobody waits. All promises that the wakings of one time made ready have run before the next. */
  async run(): Promise<void> {
    await new Promise(setImmediate)
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      if (next.wake === undefined) continue
      this.#nowMs = Math.max(this.#nowMs, next.dueAt)
      next.wake()
      if (this.#heap[0]?.dueAt !== next.dueAt) await new Promise(setImmediate)
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]]
    if (a === undefined || b === undefined) return false
    return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order)
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]]
    if (a !== undefined && b !== undefined) [this.#heap[one], this.#heap[other]] = [b, a]
  }

  #rise(at: number): void {
    for (let parent = (at - 1) >> 1; at > 0 && this.#isBefore(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent)
      at = parent
    }
  }

  #pop(): Alarm | undefined {
    this.#swap(0, this.#heap.length - 1)
    const top = this.#heap.pop()
    for (let at = 0; ;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#isBefore(child, least)) least = child
      if (least === at) return top
      this.#swap(at, least)
      at = least
    }
  }
}

/** The bucket of `RedisQuota` without a Redis: what the script does, on a state that can be lost, late or out of reach. */
export class SimulatedRedis {
  #state: BucketState | undefined
  readonly #time: EventTime
  readonly #messagesPerMinute: number
  readonly #random: () => number
  isAway = false
  isSlow = false

  constructor(time: EventTime, messagesPerMinute: number, random: () => number) {
    this.#time = time
    this.#messagesPerMinute = messagesPerMinute
    this.#random = random
  }

  flush(): void {
    this.#state = undefined
  }

  /** One worker's connection. */
  connection(isCutOff: () => boolean): RedisQuotaOptions['redis'] {
    const ask = async (question: (client: never) => Promise<unknown>): Promise<unknown> => {
      await this.#wait(this.#random() * 5)
      if (this.isAway || isCutOff()) throw new Error('away')
      const answer = await question({
        eval: async (_: string, options: { arguments: string[] }) => this.#eval(options.arguments),
      } as never)
      // A late answer was acted on all the same.
      if (this.isSlow && this.#random() < 0.3) {
        await this.#wait(100)
        throw new Error('late')
      }
      await this.#wait(this.#random() * 5)
      return answer
    }
    return { ask, [Symbol.asyncDispose]: async () => undefined } as RedisQuotaOptions['redis']
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#time.after(ms, resolve))
  }

  #eval(numbers: readonly string[]): string[] {
    const [, , , urgent = 0, bulk = 0, rejectedAt = 0, drain = 0] = numbers.map(Number)
    const ask: BucketAsk = { urgent, bulk, rejectedAt, drain: drain === 1 }
    const settings = bucketSettings(this.#messagesPerMinute)
    const now = this.#time.now()
    const { state, answer } = askBucket(settings, this.#state ?? emptyBucket(settings.leastLevel, now), now, ask)
    this.#state = state
    return [answer.urgent, answer.bulk, answer.waitMs, answer.level, answer.halvings].map(String)
  }
}

export interface SimulatedProvider {
  readonly gateway: PushGateway
  /** When each push arrived that counts for the quota. */
  readonly arrivals: readonly number[]
  /** Message ids that came back before they were allowed to. */
  readonly tooEarly: readonly string[]
}

/** Answers as `answerTo` says, some time later, and watches that nobody who was told to wait comes back before. */
export function simulatedProvider(
  time: EventTime,
  random: () => number,
  answerTo: (push: Push) => PushOutcome,
): SimulatedProvider {
  const arrivals: number[] = []
  const tooEarly: string[] = []
  const notBefore = new Map<string, number>()
  const send = async (push: Push): Promise<PushOutcome> => {
    arrivals.push(time.now())
    if ((notBefore.get(push.messageId) ?? 0) > time.now()) tooEarly.push(push.messageId)
    const outcome = answerTo(push)
    await new Promise<void>((resolve) => void time.after(20 + random() * 200, resolve))
    if (outcome.state === 'retry') notBefore.set(push.messageId, time.now() + outcome.afterMs)
    return outcome
  }
  return { gateway: { send, [Symbol.asyncDispose]: async () => undefined }, arrivals, tooEarly }
}

/** A worker's gateway before that provider. */
export function simulatedWorker(
  time: EventTime,
  provider: SimulatedProvider,
  random: () => number,
  quota: Omit<RedisQuotaOptions, 'clock'>,
): PushGateway {
  const { messagesPerMinute, workers } = quota
  const { log } = captureLog()
  const shared = new RedisQuota({ ...quota, clock: time.now })
  return pacedGateway(provider.gateway, { quota: shared, messagesPerMinute, workers, timers: time, random, log })
}
