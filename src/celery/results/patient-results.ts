import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'

const PAUSES_MS = [0, 100, 300]
/** What a task's ack waits for its result at most, all tries together. */
const PATIENCE_MS = 1_000
/** After a failure nothing is tried for so long, so that a store that hangs costs one task a second and not every task. */
const REST_MS = 1_000

/**
 * Asks the result store, and goes without an answer when there is none soon. A result can be lost and the task is done
 * all the same; what must not be lost is the task.
 */
export class PatientResults {
  readonly #timers: Timers
  readonly #log: Logger
  #restsUntil = 0
  #isAway = false
  #unanswered = 0

  constructor(timers: Timers, log: Logger) {
    this.#timers = timers
    this.#log = log
  }

  /** How many questions had no answer, for metrics. */
  get unanswered(): number {
    return this.#unanswered
  }

  /** Undefined when the store did not answer in time, which it may yet do. */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    const now = this.#timers.now()
    if (now < this.#restsUntil) {
      this.#unanswered += 1
      return undefined
    }
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#timers.after(PATIENCE_MS, resolve)
    const answer = await Promise.race([this.#ask(question, now + PATIENCE_MS), late])
    stopTimer()
    if (answer === undefined) this.#gaveUp()
    else this.#answered()
    return answer?.value
  }

  async #ask<T>(question: () => Promise<T>, until: number): Promise<{ readonly value: T } | undefined> {
    for (const pauseMs of PAUSES_MS) {
      if (pauseMs > 0) await new Promise<void>((resolve) => this.#timers.after(pauseMs, resolve))
      if (this.#timers.now() >= until) return undefined
      try {
        return { value: await question() }
      } catch (error) {
        this.#log.debug({ err: error }, 'the results do not answer')
      }
    }
    return undefined
  }

  #gaveUp(): void {
    this.#unanswered += 1
    this.#restsUntil = this.#timers.now() + REST_MS
    if (!this.#isAway) this.#log.warn('the result store is away: tasks run on, and their results are lost')
    this.#isAway = true
  }

  #answered(): void {
    if (this.#isAway) this.#log.info('the result store is back')
    this.#isAway = false
  }
}
