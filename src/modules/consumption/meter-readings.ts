import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'
import type { Cache } from '#src/ports/cache.ts'
import { type PostpaidSource, type PrepaidSource, SourceUnavailable } from '#src/ports/meter-source.ts'
import { type Entry, fromBill, fromSale, withoutRepeats } from './entry.ts'
import { dueRead, type Freshness } from './freshness.ts'
import { readingStates } from './queries.ts'
import type { DayRange } from './range.ts'
import { settledBefore } from './settled-before.ts'
import { storeReading } from './store-reading.ts'

export interface MeterReadingParts extends Freshness {
  readonly db: Db
  readonly cache: Cache
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  readonly clock: Clock
  readonly log: Logger
  /** How long one request waits for the sources, in all. */
  readonly patienceMs: number
  /** Told when a source brought anything new about a meter, before those who wait for the reading. */
  readonly onChange: (meterId: string) => Promise<void>
}

/**
 * - `read`: the source answered and its answer is stored.
 * - `failed`: the source could not be asked or has not answered yet, or its answer could not be stored.
 */
export type ReadingOutcome = 'read' | 'failed'

/** Per request and source; the sources' adapters bound what all requests together may ask. */
const READINGS_AT_ONCE = 4
/** A reading goes on after its requests stopped waiting, so that a slow answer is not lost; not for ever. */
const READING_LIMIT_MS = 30_000
/** A meter whose reading failed is left alone for so long: every request in between would pay for the same failure. */
const REST_AFTER_FAILURE_MS = 3_000
/** Not asked because the source failed just before: it may be let through again any moment. */
const REST_AFTER_REFUSAL_MS = 1_000
/** From here on the ends of rests are looked for, which keeps the list short. */
const MAX_RESTING = 10_000
const POLL_OTHER_INSTANCE_MS = 100

interface Flight {
  readonly outcome: Promise<ReadingOutcome>
  /** Aborts when its first waiters lose patience; whoever comes later does not wait at all. */
  readonly patience: AbortSignal
}

/** Asks the sources for meters and stores what they say: one question per meter at a time, here and across instances. */
export class MeterReadings {
  readonly #parts: MeterReadingParts
  readonly #flights = new Map<string, Flight>()
  readonly #restUntil = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(parts: MeterReadingParts) {
    this.#parts = parts
  }

  /** Reads the meters, or waits for whoever does, as long as patience lasts. Never rejects. */
  async read(meters: readonly Meter[]): Promise<Map<string, ReadingOutcome>> {
    const outcomes = new Map<string, ReadingOutcome>()
    const patience = AbortSignal.any([AbortSignal.timeout(this.#parts.patienceMs), this.#closing.signal])
    const lane = async (queue: Meter[]): Promise<void> => {
      for (let meter = queue.shift(); meter !== undefined; meter = queue.shift()) {
        outcomes.set(meter.id, patience.aborted ? 'failed' : await this.#outcomeOf(meter, patience))
      }
    }
    const queues = (['prepaid', 'postpaid'] as const).map((kind) => meters.filter((meter) => meter.kind === kind))
    await Promise.all(queues.flatMap((queue) => Array.from({ length: READINGS_AT_ONCE }, () => lane(queue))))
    return outcomes
  }

  /** Abandons the readings under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled([...this.#flights.values()].map((flight) => flight.outcome))
  }

  #outcomeOf(meter: Meter, patience: AbortSignal): Promise<ReadingOutcome> {
    if (this.#closing.signal.aborted || this.#isResting(meter.id)) return Promise.resolve('failed')
    const flight = this.#flights.get(meter.id) ?? this.#start(meter)
    return settledBefore(AbortSignal.any([patience, flight.patience]), flight.outcome, () => 'failed')
  }

  #isResting(meterId: string): boolean {
    const until = this.#restUntil.get(meterId)
    if (until === undefined) return false
    const leftMs = until - this.#parts.clock()
    // Longer than any rest: the clock went back.
    if (leftMs > 0 && leftMs <= REST_AFTER_FAILURE_MS) return true
    this.#restUntil.delete(meterId)
    return false
  }

  #start(meter: Meter): Flight {
    const outcome = this.#readOnce(meter)
      .catch((error: unknown) => this.#failedToStore(meter, error))
      .finally(() => this.#flights.delete(meter.id))
    const flight = { outcome, patience: AbortSignal.timeout(this.#parts.patienceMs) }
    this.#flights.set(meter.id, flight)
    return flight
  }

  /** As when the disk is full: what is known can still be read. */
  #failedToStore(meter: Meter, error: unknown): ReadingOutcome {
    this.#rest(meter.id, REST_AFTER_FAILURE_MS)
    this.#parts.log.error({ meter_id: meter.id, err: error }, 'a reading could not be stored')
    return 'failed'
  }

  async #readOnce(meter: Meter): Promise<ReadingOutcome> {
    const { cache } = this.#parts
    const lock = `consumption:reading:${meter.id}`
    const token = randomUUID()
    const limit = AbortSignal.any([AbortSignal.timeout(READING_LIMIT_MS), this.#closing.signal])
    const holdsLock =
      (await cache.setIfAbsent(lock, token, READING_LIMIT_MS)) || (await this.#others(lock, token, limit))
    try {
      return await this.#readIfDue(meter, limit)
    } finally {
      if (holdsLock) await cache.delete(lock)
    }
  }

  /**
   * Waits for another instance to give the lock back; not at all while the cache is away: then each instance asks for
   * itself. True when the lock is ours: the cache had taken it for us, and said so too late.
   */
  async #others(lock: string, token: string, limit: AbortSignal): Promise<boolean> {
    while (!limit.aborted) {
      const holder = await this.#parts.cache.get(lock)
      if (holder === undefined || holder === token) return holder === token
      await delay(POLL_OTHER_INSTANCE_MS, undefined, { signal: limit, ref: false }).catch(() => undefined)
    }
    return false
  }

  async #readIfDue(meter: Meter, limit: AbortSignal): Promise<ReadingOutcome> {
    const { db, clock, log, onChange } = this.#parts
    const state = (await readingStates(db, [meter.id])).get(meter.id)
    const readAt = clock()
    const due = dueRead(state, readAt, this.#parts)
    // Somebody else was quicker, and has told everyone whose answers change.
    if (due === undefined) return 'read'
    const entries = await this.#ask(meter, due.range, limit)
    if (entries === undefined) return 'failed'
    const reading = { meterId: meter.id, ...due, entries, readAt: new Date(readAt) }
    const { isNews, repairedMonths } = await storeReading(db, reading)
    if (repairedMonths.length > 0) {
      log.error({ meter_id: meter.id, months: repairedMonths }, 'sums of months were not those of their entries')
    }
    if (isNews) await onChange(meter.id)
    return 'read'
  }

  /** Undefined when the source failed, whatever the way: it must never cost the customer the answer. */
  async #ask(meter: Meter, range: DayRange, limit: AbortSignal): Promise<Entry[] | undefined> {
    try {
      // A source that ignores its signal must not hold the meter's lock.
      const entries = await settledBefore(limit, this.#entriesOf(meter, range, limit), () => {
        throw new SourceUnavailable('too_slow')
      })
      return withoutRepeats(entries)
    } catch (error) {
      const isSpared = error instanceof SourceUnavailable && error.reason === 'circuit_open'
      this.#rest(meter.id, isSpared ? REST_AFTER_REFUSAL_MS : REST_AFTER_FAILURE_MS)
      this.#logFailure(meter, error)
      return undefined
    }
  }

  #rest(meterId: string, forMs: number): void {
    const now = this.#parts.clock()
    if (this.#restUntil.size >= MAX_RESTING) {
      for (const [id, until] of this.#restUntil) if (until <= now) this.#restUntil.delete(id)
    }
    this.#restUntil.set(meterId, now + forMs)
  }

  async #entriesOf(meter: Meter, range: DayRange, signal: AbortSignal): Promise<Entry[]> {
    const { prepaid, postpaid } = this.#parts
    if (meter.kind === 'prepaid') {
      if (prepaid === undefined || meter.police === null) throw new SourceUnavailable('not_configured')
      return (await prepaid.sales({ number: meter.number, police: meter.police }, range, signal)).map(fromSale)
    }
    if (postpaid === undefined) throw new SourceUnavailable('not_configured')
    return (await postpaid.bills(meter.number, range, signal)).map(fromBill)
  }

  #logFailure(meter: Meter, error: unknown): void {
    const { log } = this.#parts
    const facts = { meter_id: meter.id, kind: meter.kind }
    if (!(error instanceof SourceUnavailable)) log.error({ ...facts, err: error }, 'a meter source broke its promise')
    else if (error.reason === 'circuit_open' || error.reason === 'not_configured') log.debug(facts, error.message)
    else log.warn({ ...facts, reason: error.reason, err: error.cause }, 'a meter could not be read')
  }
}
