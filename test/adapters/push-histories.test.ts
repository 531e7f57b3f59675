import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Push, PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { seededRandom } from '#src/simulators/fcm/rules.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { EventTime, SimulatedRedis, simulatedProvider, simulatedWorker } from './push-world.ts'

const MINUTE_MS = 60_000

type Trouble = 'redis away' | 'redis slow' | 'cut off' | 'quota' | 'unavailable'

type Event = { readonly kind: 'flush' } | { readonly kind: Trouble; readonly forMs: number }

interface History {
  readonly seed: number
  readonly workers: number
  readonly messagesPerMinute: number
  readonly events: readonly { readonly atMs: number; readonly event: Event }[]
}

/** For so long somebody waits for every token. */
const BUSY_MS = 150_000
/** Pushes under way at a time, per worker: more than the quota lets through while a token is valid. */
const SENDERS = 40

const trouble = (kinds: readonly Trouble[], longestMs: number) =>
  fc.record({ kind: fc.constantFrom(...kinds), forMs: fc.integer({ min: 50, max: longestMs }) })
const within = (event: fc.Arbitrary<Event>, maxLength: number) =>
  fc.array(fc.record({ atMs: fc.nat(BUSY_MS), event }), { minLength: 1, maxLength })
const flush = fc.constant<Event>({ kind: 'flush' })

const histories: fc.Arbitrary<History> = fc.record({
  seed: fc.integer(),
  workers: fc.integer({ min: 1, max: 3 }),
  messagesPerMinute: fc.integer({ min: 400, max: 1_500 }),
  events: fc
    .tuple(
      fc.oneof(
        within(fc.oneof(flush, trouble(['redis away', 'redis slow'], 3_000)), 30),
        within(trouble(['redis away'], 100_000), 3),
      ),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: within(trouble(['cut off'], 40_000), 3) },
        { weight: 1, arbitrary: within(trouble(['quota', 'unavailable'], 40_000), 3) },
      ),
    )
    .map((parts) => parts.flat()),
})

/** One history from its first push until nobody waits any more. */
class World {
  readonly time = new EventTime()
  readonly provider
  sent = 0
  asked = 0
  readonly #random: () => number
  readonly #redis: SimulatedRedis
  readonly #trouble = { 'redis away': 0, 'redis slow': 0, 'cut off': 0, quota: 0, unavailable: 0 }

  constructor({ seed, workers, messagesPerMinute, events }: History) {
    const random = (this.#random = seededRandom(seed))
    this.#redis = new SimulatedRedis(this.time, messagesPerMinute, random)
    this.provider = simulatedProvider(this.time, random, () => this.#answer())
    const endsAt = this.time.now() + BUSY_MS
    for (let index = 0; index < workers; index += 1) {
      const redis = this.#redis.connection(() => index === 0 && this.#trouble['cut off'] > 0)
      const worker = simulatedWorker(this.time, this.provider, random, { redis, messagesPerMinute, workers })
      for (let sender = 0; sender < SENDERS; sender += 1) void this.#keepSending(worker, endsAt)
    }
    for (const { atMs, event } of events) this.time.after(atMs, () => this.#happen(event))
  }

  #happen(event: Event): void {
    if (event.kind === 'flush') return this.#redis.flush()
    this.#troubled(event.kind, 1)
    this.time.after(event.forMs, () => this.#troubled(event.kind, -1))
  }

  #troubled(kind: Trouble, change: number): void {
    this.#trouble[kind] += change
    this.#redis.isAway = this.#trouble['redis away'] > 0
    this.#redis.isSlow = this.#trouble['redis slow'] > 0
  }

  #answer(): PushOutcome {
    const retry = { state: 'retry', maybeSent: false } as const
    const afterMs = 10_000 + Math.floor(this.#random() * 90_000)
    if (this.#trouble.quota > 0 && this.#random() < 0.5) {
      return { ...retry, reason: 'QUOTA_EXCEEDED', afterMs: Math.max(60_000, afterMs), overQuota: 'project' }
    }
    if (this.#trouble.unavailable > 0 && this.#random() < 0.9) return { ...retry, reason: 'UNAVAILABLE', afterMs }
    if (this.#random() < 0.01) return { ...retry, reason: 'TIMEOUT', afterMs: 10_000, maybeSent: true }
    return { state: 'sent', providerId: 'x' }
  }

  async #keepSending(worker: PushGateway, endsAt: number): Promise<void> {
    while (this.time.now() < endsAt) {
      const lane = this.#random() < 0.1 ? 'urgent' : 'bulk'
      await this.#sendUntilDone(worker, pushTo(`device-${(this.asked += 1)}`, { lane }))
    }
  }

  /** As a worker does: some have little patience, and what is to be retried is, as early as it may be. */
  async #sendUntilDone(worker: PushGateway, push: Push): Promise<void> {
    for (;;) {
      const patience = new AbortController()
      const stop = this.#random() < 0.1 ? this.time.after(1_000, () => patience.abort()) : () => undefined
      const outcome = await worker.send(push, patience.signal)
      stop()
      if (outcome.state === 'sent') return void (this.sent += 1)
      assert.ok(outcome.state === 'retry' && outcome.afterMs >= 10_000)
      await new Promise<void>((resolve) => void this.time.after(outcome.afterMs, resolve))
    }
  }
}

function mostInAMinute(arrivals: readonly number[]): number {
  let first = 0
  let most = 0
  arrivals.forEach((time, at) => {
    while ((arrivals[first] ?? time) <= time - MINUTE_MS) first += 1
    most = Math.max(most, at - first + 1)
  })
  return most
}

suite('histories of pushes', { timeout: 120_000 }, () => {
  test('never more than the quota in a minute, never a retry too early, and every push arrives', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const world = new World(history)
        await world.time.run()
        assert.deepEqual(world.provider.tooEarly, [])
        assert.equal(world.sent, world.asked)
        // A worker that alone cannot reach Redis adds its part, as the others cannot know.
        const isCutOff = history.events.some(({ event }) => event.kind === 'cut off')
        const allowed = history.messagesPerMinute * (isCutOff ? 1 + 1 / history.workers : 1)
        const most = mostInAMinute(world.provider.arrivals)
        assert.ok(most <= allowed, `${most} in a minute of ${allowed}`)
      }),
      { numRuns: 15 },
    )
  })
})
