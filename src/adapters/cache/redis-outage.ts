import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'

/** So many questions in a row without an answer in time are no coincidence. */
const LATE_IN_A_ROW = 5
/** Then one question goes out so often, to see whether Redis answers again. */
const PROBE_EVERY_MS = 1_000

/**
 * Remembers that Redis is connected and does not answer (it is stopped, swapping, or the network swallows all), so
 * that not every request waits its time for nothing.
 */
export class Outage {
  readonly #now: Clock
  readonly #log: Logger
  #lateInARow = 0
  #nextProbeAt = 0

  constructor(now: Clock, log: Logger) {
    this.#now = now
    this.#log = log
  }

  /** False when the question should not even be sent. */
  mayAsk(): boolean {
    if (this.#lateInARow < LATE_IN_A_ROW) return true
    if (this.#now() < this.#nextProbeAt) return false
    this.#nextProbeAt = this.#now() + PROBE_EVERY_MS
    return true
  }

  late(): void {
    this.#lateInARow += 1
    if (this.#lateInARow !== LATE_IN_A_ROW) return
    this.#nextProbeAt = this.#now() + PROBE_EVERY_MS
    this.#log.warn('Redis does not answer in time: going without it')
  }

  answered(): void {
    if (this.#lateInARow >= LATE_IN_A_ROW) this.#log.info('Redis answers again')
    this.#lateInARow = 0
  }
}
