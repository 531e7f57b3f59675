import type { Timers } from '#src/core/timers.ts'
import type { Push } from '#src/ports/push-gateway.ts'
import { onAbort } from '../shared-abort.ts'
import { type BucketAnswer, TOKEN_LIFETIME_MS } from './bucket.ts'
import type { Quota } from './quota.ts'
import { TokenShelf } from './token-shelf.ts'

export type Lane = Push['lane']

export interface PaceOptions {
  readonly quota: Quota
  readonly timers: Timers
  /** From 0 to below 1. */
  readonly random: () => number
  readonly gate: Gate
}

/** What may hold pushes back besides the quota. When it says something else than before, `reconsider`. */
export interface Gate {
  readonly isOpen: boolean
  /** One goes through. */
  pass(): void
}

interface Waiter {
  readonly settle: (mayGo: boolean) => void
}

/** The quota is asked this often at most, so that a Redis behind it has tens of questions a second, not thousands. */
const ASK_EVERY_MS = 20

/** Gives each push its token: at once when one is at hand, else in line, the urgent ones first. */
export class Pace {
  readonly #options: PaceOptions
  readonly #tokens = { urgent: new TokenShelf(), bulk: new TokenShelf() }
  readonly #waiting = { urgent: new Set<Waiter>(), bulk: new Set<Waiter>() }
  /** What left since the quota was asked last, which tells what will be wanted until it is asked again. */
  readonly #used = { urgent: 0, bulk: 0 }
  #halvings = 0
  #rejectedAt = -1
  #isAsking = false
  /** From when on the quota may be asked again: for an urgent push there may be tokens before there are for others. */
  readonly #askAt = { urgent: 0, bulk: 0 }
  #timer: { readonly dueAt: number; readonly stop: () => void } | undefined
  #isClosed = false

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Names the speed that is sent at now, for `slowDown`. */
  get speed(): number {
    return this.#halvings
  }

  /** A token if there is one at hand and nobody waits for it. */
  tryTake(lane: Lane): boolean {
    if (this.#waiting[lane].size > 0 || !this.#options.gate.isOpen || !this.#take(lane)) return false
    if (this.#tokens[lane].left * 2 < this.#used[lane]) this.#askSoon()
    return true
  }

  /** Waits in line for a token; false when `signal` aborted, or the pace was closed, before there was one. */
  wait(lane: Lane, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#isClosed || signal?.aborted === true) return Promise.resolve(false)
    const line = this.#waiting[lane]
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (mayGo) => {
          line.delete(waiter)
          stopListening?.()
          resolve(mayGo)
        },
      }
      const stopListening = signal === undefined ? undefined : onAbort(signal, () => waiter.settle(false))
      line.add(waiter)
      this.#askSoon()
    })
  }

  /** The provider rejected a push for the rate that it was sent at. */
  slowDown(speed: number): void {
    if (speed < this.#halvings) return
    this.#rejectedAt = speed
    this.#askSoon()
  }

  /** `isOpen` may say something else now. */
  reconsider(): void {
    this.#serve()
    if (this.#isWaitedFor()) this.#askSoon()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.stop()
    for (const waiter of [...this.#waiting.urgent, ...this.#waiting.bulk]) waiter.settle(false)
    await this.#options.quota[Symbol.asyncDispose]()
  }

  /** Urgent pushes may use what was meant for the others. */
  #take(lane: Lane): boolean {
    const now = this.#options.timers.now()
    const has = this.#tokens[lane].take(now) || (lane === 'urgent' && this.#tokens.bulk.take(now))
    if (!has) return false
    this.#used[lane] += 1
    this.#options.gate.pass()
    return true
  }

  #isWaitedFor(): boolean {
    return this.#waiting.urgent.size + this.#waiting.bulk.size > 0
  }

  #askSoon(): void {
    if (this.#isAsking || this.#isClosed) return
    const isPressing = this.#waiting.urgent.size > 0 || this.#rejectedAt >= 0
    const dueAt = isPressing ? this.#askAt.urgent : this.#askAt.bulk
    if (this.#timer !== undefined && this.#timer.dueAt <= dueAt) return
    this.#timer?.stop()
    const waitMs = dueAt - this.#options.timers.now()
    this.#timer = waitMs <= 0 ? undefined : { dueAt, stop: this.#options.timers.after(waitMs, () => void this.#ask()) }
    if (waitMs <= 0) void this.#ask()
  }

  async #ask(): Promise<void> {
    const { quota, timers } = this.#options
    this.#timer = undefined
    const [urgent, bulk] = [this.#wanted('urgent'), this.#wanted('bulk')]
    const rejectedAt = this.#rejectedAt
    if (urgent + bulk === 0 && rejectedAt < 0) return
    this.#rejectedAt = -1
    this.#used.urgent = 0
    this.#used.bulk = 0
    this.#isAsking = true
    const askedAt = timers.now()
    const answer = await quota.ask({ urgent, bulk, rejectedAt, drain: false })
    this.#isAsking = false
    this.#receive(answer, askedAt, answer.urgent < urgent)
  }

  /** Whoever waits, unless nobody may go; and twice as many as left lately, as demand grows, less what is at hand. */
  #wanted(lane: Lane): number {
    if (!this.#options.gate.isOpen) return 0
    const left = this.#tokens[lane].expire(this.#options.timers.now())
    return Math.max(0, this.#waiting[lane].size + 2 * this.#used[lane] - left)
  }

  #receive(answer: BucketAnswer, askedAt: number, isUrgentShort: boolean): void {
    this.#halvings = answer.halvings
    this.#tokens.urgent.add(answer.urgent, askedAt + TOKEN_LIFETIME_MS)
    this.#tokens.bulk.add(answer.bulk, askedAt + TOKEN_LIFETIME_MS)
    // Workers that ask in step would share unfairly: who asks a moment later finds the bucket empty each time.
    const gapMs = ASK_EVERY_MS * (0.5 + this.#options.random())
    this.#askAt.bulk = askedAt + Math.max(gapMs, answer.waitMs)
    this.#askAt.urgent = isUrgentShort ? this.#askAt.bulk : askedAt + gapMs
    this.#serve()
    if (this.#rejectedAt >= 0 || (this.#isWaitedFor() && this.#options.gate.isOpen)) this.#askSoon()
  }

  #serve(): void {
    for (const lane of ['urgent', 'bulk'] as const) {
      for (const waiter of this.#waiting[lane]) {
        if (!this.#options.gate.isOpen || !this.#take(lane)) break
        waiter.settle(true)
      }
    }
  }
}
