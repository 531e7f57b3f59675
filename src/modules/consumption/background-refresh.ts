import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import { Lease } from '#src/database/lease.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'
import { activeMeters } from './active-meters.ts'
import type { MeterReadings, ReadingOutcome } from './meter-readings.ts'
import { isWithinHours, type RefreshHours } from './refresh-hours.ts'

export interface RefreshOptions {
  readonly hours: RefreshHours
  /** What each source is asked for at most. */
  readonly metersPerMinute: number
}

export interface BackgroundRefreshParts extends RefreshOptions {
  readonly db: Db
  readonly readings: Pick<MeterReadings, 'read'>
  readonly timers: Timers
  readonly log: Logger
  /** The kinds of meter whose source is configured. */
  readonly kinds: readonly Meter['kind'][]
  /** Whether the source was answering when it was last asked. */
  readonly isAnswering: (kind: Meter['kind']) => boolean
  /** Told of each reading. */
  readonly onOutcome: (kind: Meter['kind'], outcome: ReadingOutcome) => void
}

const DAY_MS = 86_400_000
/** Whose account was not seen for longer can wait for the source when coming back. */
export const ACTIVE_FOR_MS = 30 * DAY_MS
/** What customers themselves have brought up to date today is left alone. */
const READ_WITHIN_MS = DAY_MS / 2
const LOOK_EVERY_MS = 5 * 60_000
/** A source that is down is asked once a minute whether it is back, by the meter whose turn it is. */
const PROBE_EVERY_MS = 60_000
/** A meter of which every question fails must not hold up the others. */
const TRIES = 3
/** One of which a question failed though its source answers would fail in each round: it waits for so long. */
const REST_AFTER_FAILURE_MS = 3_600_000
const LEASE = 'consumption refresh'
const LEASE_TTL_MS = 60_000

/**
 * In quiet hours, brings up to date what active customers will look at, the stalest meter first, so that the sources
 * are asked at night what the morning would ask all at once. One process at a time does it, under a lease.
 */
export class BackgroundRefresh implements Closeable {
  readonly #parts: BackgroundRefreshParts
  readonly #closing = new AbortController()
  readonly #rounds: Closeable
  /** By meter id: when its question failed though its source answered. */
  readonly #failedAt = new Map<string, number>()

  constructor(parts: BackgroundRefreshParts) {
    this.#parts = parts
    const { db, timers, log } = parts
    const lease = new Lease({ db, name: LEASE, timers, ttlMs: LEASE_TTL_MS })
    this.#rounds = periodically({
      name: 'refresh of consumption',
      everyMs: LOOK_EVERY_MS,
      timers,
      log,
      work: async () => {
        if (this.#isTime()) await lease.run((lost) => this.#round(AbortSignal.any([lost, this.#closing.signal])))
      },
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#rounds.close()
  }

  #isTime(): boolean {
    return isWithinHours(this.#parts.hours, this.#parts.timers.now())
  }

  async #round(stop: AbortSignal): Promise<void> {
    const { kinds, log } = this.#parts
    const counts = { read: 0, failed: 0 }
    this.#endRests()
    const broken = new AbortController()
    const stopAll = AbortSignal.any([stop, broken.signal])
    const goesOn = (): boolean => !stopAll.aborted && this.#isTime()
    // One line that breaks ends the others, and the round with the last: none may go on once the lease is given back.
    const lines = kinds.map((kind) =>
      this.#line(kind, stopAll, goesOn, counts).catch((error: unknown) => {
        broken.abort()
        throw error
      }),
    )
    const ended = await Promise.allSettled(lines)
    for (const line of ended) if (line.status === 'rejected') throw line.reason
    if (counts.read + counts.failed > 0) log.info(counts, 'active meters were refreshed')
  }

  #endRests(): void {
    const now = this.#parts.timers.now()
    for (const [id, at] of this.#failedAt) {
      if (Math.abs(now - at) >= REST_AFTER_FAILURE_MS) this.#failedAt.delete(id)
    }
  }

  /** One meter of the kind after the other. */
  async #line(
    kind: Meter['kind'],
    stop: AbortSignal,
    goesOn: () => boolean,
    counts: Record<ReadingOutcome, number>,
  ): Promise<void> {
    const now = this.#parts.timers.now()
    const [seenSince, readBefore] = [new Date(now - ACTIVE_FOR_MS), new Date(now - READ_WITHIN_MS)]
    for await (const meter of activeMeters(this.#parts.db, { kind, seenSince, readBefore, goesOn })) {
      if (this.#failedAt.has(meter.id)) continue
      for (let left = TRIES; left > 0 && goesOn(); left -= 1) {
        if (await this.#refresh(meter, stop, counts)) break
      }
      if (!goesOn()) return
    }
  }

  /** Reads the meter and keeps the pause that the source is owed. False when it should be tried again. */
  async #refresh(meter: Meter, stop: AbortSignal, counts: Record<ReadingOutcome, number>): Promise<boolean> {
    const { readings, timers, metersPerMinute, isAnswering, onOutcome } = this.#parts
    const startedAt = timers.now()
    const outcome = (await readings.read([meter])).get(meter.id) ?? 'failed'
    // Whoever stops us has cut the question short: that says nothing about the source.
    if (outcome === 'failed' && stop.aborted) return true
    counts[outcome] += 1
    onOutcome(meter.kind, outcome)
    const isDown = outcome === 'failed' && !isAnswering(meter.kind)
    if (outcome === 'failed' && !isDown) this.#failedAt.set(meter.id, timers.now())
    const pauseMs = isDown ? PROBE_EVERY_MS : 60_000 / metersPerMinute
    // Not longer than the pause, should the clock have gone back.
    await this.#sleep(Math.min(startedAt + pauseMs - timers.now(), pauseMs), stop)
    return !isDown
  }

  #sleep(ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        stop.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.#parts.timers.after(Math.max(ms, 0), wake)
      stop.addEventListener('abort', wake, { once: true })
      if (stop.aborted) wake()
    })
  }
}
