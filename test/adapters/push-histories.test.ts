import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Push, PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { seededRandom } from '#src/simulators/fcm/rules.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { EventTime, SimulatedRedis, simulatedProvider, simulatedWorker } from './push-world.ts'

const MINUTE_MS = 60_000

type Trouble = 'redis away' | 'cut off' | 'quota' | 'unavailable'

type Event =
  | { readonly kind: 'pushes'; readonly worker: number; readonly share: number; readonly lane: Push['lane'] }
  | { readonly kind: 'flush' }
  | { readonly kind: Trouble; readonly forMs: number }

interface History {
  readonly seed: number
  readonly workers: number
  readonly messagesPerMinute: number
  readonly events: readonly { readonly atMs: number; readonly event: Event }[]
}

const spans = fc.integer({ min: 100, max: 40_000 })
const pushes = fc.record({
  kind: fc.constant('pushes' as const),
  worker: fc.nat(2),
  share: fc.double({ min: 0.001, max: 0.8, noNaN: true }),
  lane: fc.constantFrom<Push['lane']>('urgent', 'bulk', 'bulk'),
})
const trouble = fc.record({
  kind: fc.constantFrom<Trouble>('redis away', 'cut off', 'quota', 'unavailable'),
  forMs: spans,
})
const histories: fc.Arbitrary<History> = fc.record({
  seed: fc.integer(),
  workers: fc.integer({ min: 1, max: 3 }),
  messagesPerMinute: fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 60, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 7_000, max: 9_000 }) },
  ),
  events: fc.array(
    fc.record({
      atMs: fc.nat(150_000),
      event: fc.oneof<[typeof pushes, typeof trouble, fc.Arbitrary<Event>]>(
        pushes,
        trouble,
        fc.constant({ kind: 'flush' }),
      ),
    }),
    { minLength: 3, maxLength: 10 },
  ),
})

/** One history from its first push until nobody waits any more. */
class World {
  readonly time = new EventTime()
  readonly #random: () => number
  readonly #redis: SimulatedRedis
  readonly provider
  readonly #workers: readonly PushGateway[]
  readonly #trouble = { 'redis away': 0, 'cut off': 0, quota: 0, unavailable: 0 }
  sent = 0
  asked = 0

  constructor({ seed, workers, messagesPerMinute }: History) {
    const random = (this.#random = seededRandom(seed))
    this.#redis = new SimulatedRedis(this.time, messagesPerMinute, random)
    this.provider = simulatedProvider(this.time, random, () => this.#answer())
    this.#workers = Array.from({ length: workers }, (_, index) => {
      const redis = this.#redis.connection(() => index === 0 && this.#trouble['cut off'] > 0)
      return simulatedWorker(this.time, this.provider, random, { redis, messagesPerMinute, workers })
    })
  }

  happen(event: Event, messagesPerMinute: number): void {
    if (event.kind === 'flush') return this.#redis.flush()
    if (event.kind === 'pushes') {
      const worker = this.#workers[event.worker % this.#workers.length]
      const count = Math.ceil(event.share * messagesPerMinute)
      for (let at = 0; at < count; at += 1) if (worker !== undefined) void this.#sendUntilDone(worker, event.lane)
      return
    }
    this.#troubled(event.kind, 1)
    this.time.after(event.forMs, () => this.#troubled(event.kind, -1))
  }

  #troubled(kind: Trouble, change: number): void {
    this.#trouble[kind] += change
    this.#redis.isAway = this.#trouble['redis away'] > 0
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

  /** As a worker does: a page's patience ends, and what is to be retried is, as early as it may be. */
  async #sendUntilDone(worker: PushGateway, lane: Push['lane']): Promise<void> {
    const push = pushTo(`device-${(this.asked += 1)}`, { lane })
    for (;;) {
      const patience = new AbortController()
      const stop = this.time.after(20_000, () => patience.abort())
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
        for (const { atMs, event } of history.events) {
          world.time.after(atMs, () => world.happen(event, history.messagesPerMinute))
        }
        await world.time.run()
        assert.deepEqual(world.provider.tooEarly, [])
        assert.equal(world.sent, world.asked)
        // A worker that alone cannot reach Redis adds its part, as the others cannot know.
        const isCutOff = history.events.some(({ event }) => event.kind === 'cut off')
        const allowed = history.messagesPerMinute * (isCutOff ? 1 + 1 / history.workers : 1)
        const most = mostInAMinute(world.provider.arrivals)
        assert.ok(most <= allowed, `${most} in a minute of ${allowed}`)
      }),
      { numRuns: 300 },
    )
  })
})
