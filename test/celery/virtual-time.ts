import type { Timers } from '#src/core/timers.ts'

/** A clock that stands still until told, and wakes who waits on it in the order of their times. */
export class VirtualTime implements Timers {
  #nowMs: number
  readonly #waiting = new Set<{ readonly dueAt: number; readonly wake: () => void }>()
  readonly #isQuiet: (() => boolean) | undefined

  /** `isQuiet` is asked where what a waking starts leaves the process, and takes time that this clock does not know. */
  constructor(startMs = Date.UTC(2026, 0, 1), isQuiet?: () => boolean) {
    this.#nowMs = startMs
    this.#isQuiet = isQuiet
  }

  readonly now = (): number => this.#nowMs

  after(delayMs: number, wake: () => void): () => void {
    const waiter = { dueAt: this.#nowMs + Math.max(delayMs, 0), wake }
    this.#waiting.add(waiter)
    return () => void this.#waiting.delete(waiter)
  }

  /** As a process has it that ends without a word: from then on nothing of it is woken. */
  ofProcess(hasEnded: () => boolean): Timers {
    return { now: this.now, after: (delayMs, wake) => this.after(delayMs, () => hasEnded() || wake()) }
  }

  /** How many wait, to find those that were forgotten. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Passes `ms`, stopping at every waiter; what a waking started settles before the next. */
  async pass(ms: number): Promise<void> {
    const endAt = this.#nowMs + ms
    await this.#settled()
    for (let next = this.#next(endAt); next !== undefined; next = this.#next(endAt)) {
      this.#waiting.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueAt)
      next.wake()
      await this.#settled()
    }
    // Not back, where two pass at the same time and the one that was to end later has.
    this.#nowMs = Math.max(this.#nowMs, endAt)
  }

  async #settled(): Promise<void> {
    const isQuiet = this.#isQuiet
    if (isQuiet === undefined) return settled()
    // Twice in a row: an answer that came a moment ago may lead to the next question.
    for (let quietTurns = 0; quietTurns < 2; quietTurns = isQuiet() ? quietTurns + 1 : 0) await settled()
  }

  #next(endAt: number) {
    const due = [...this.#waiting].filter((waiter) => waiter.dueAt <= endAt)
    return due.toSorted((a, b) => a.dueAt - b.dueAt)[0]
  }
}

/** All promises and immediates that are ready have run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
}
