import type { SteadyClock } from '#src/core/clock.ts'
import { SourceUnavailable } from '#src/ports/meter-source.ts'

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit, at least 1. */
  readonly failuresToOpen: number
  /** How long an open circuit refuses before it lets one question through. */
  readonly pauseMs: number
  readonly clock: SteadyClock
}

export type CircuitState = 'closed' | 'open' | 'probing'

/**
 * Spares the callers a source that is down, and the source its callers.
 *
 * Closed: every question goes through; failures in a row are counted, and enough of them open the circuit.
 * Open: every question is refused with `circuit_open`; after the pause the next one becomes the probe.
 * Probing: that one question is on its way, all others are refused. An answer closes the circuit, a failure opens it
 * for another pause; a probe that ends without a word of the source leaves it to the next question to try.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions
  #state: CircuitState = 'closed'
  #failures = 0
  #openedAt = 0
  /** Grows with every change of state: the fate of a question asked before the change says nothing about the time after. */
  #era = 0

  constructor(options: CircuitBreakerOptions) {
    this.#options = options
  }

  get state(): CircuitState {
    return this.#state
  }

  /** Throws when a question asked now would be refused. */
  refuseIfOpen(): void {
    const isPausing = this.#state === 'open' && this.#options.clock() - this.#openedAt < this.#options.pauseMs
    if (isPausing || this.#state === 'probing') throw new SourceUnavailable('circuit_open')
  }

  async run<T>(ask: () => Promise<T>): Promise<T> {
    this.refuseIfOpen()
    if (this.#state === 'open') this.#turn('probing')
    const era = this.#era
    try {
      const answer = await ask()
      this.#hear('answered', era)
      return answer
    } catch (error) {
      this.#hear(wordOf(error), era)
      throw error
    }
  }

  #hear(word: Word, era: number): void {
    if (era !== this.#era) return
    if (word === 'answered') this.#answered()
    else if (word === 'not_answered') this.#countFailure()
    else if (this.#state === 'probing') this.#turn('open')
  }

  #answered(): void {
    this.#failures = 0
    if (this.#state === 'probing') this.#turn('closed')
  }

  #countFailure(): void {
    this.#failures += 1
    if (this.#state === 'closed' && this.#failures < this.#options.failuresToOpen) return
    this.#openedAt = this.#options.clock()
    this.#turn('open')
  }

  #turn(state: CircuitState): void {
    this.#state = state
    this.#era += 1
  }
}

/** What the fate of a question says about the source. */
type Word = 'answered' | 'not_answered' | 'nothing'

const WORDS: Readonly<Record<SourceUnavailable['reason'], Word>> = {
  unreachable: 'not_answered',
  too_slow: 'not_answered',
  // A login that is refused again and again gets locked.
  refused: 'not_answered',
  // One meter's broken row came quickly and says nothing about the next meter's.
  malformed: 'answered',
  circuit_open: 'nothing',
  not_configured: 'nothing',
}

/** Whoever asked has gone, or the time for it was over before the source's own, or there is a bug: no word of the source. */
const wordOf = (error: unknown): Word => (error instanceof SourceUnavailable ? WORDS[error.reason] : 'nothing')
