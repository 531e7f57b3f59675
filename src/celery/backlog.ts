import type { Timers } from '#src/core/timers.ts'
import { Admission, type Reserve } from './admission.ts'
import type { PreparedRequest } from './execution.ts'
import { intervalOf, RateLimits } from './rate-limits.ts'
import { Schedule } from './schedule.ts'

export interface BacklogOptions {
  readonly timers: Timers
  /** The most urgent first. */
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly reserve: Reserve | undefined
  /** Something may run now. */
  readonly onReady: () => void
  /** So many of a queue's messages wait for their eta. */
  readonly onHeld: (queue: string, count: number) => void
}

/** What the worker has and has not started: until its eta, then until its rate limit lets it, then until a slot is free. */
export class Backlog {
  readonly #options: BacklogOptions
  readonly #schedule: Schedule<PreparedRequest>
  readonly #rateLimits: RateLimits<PreparedRequest>
  readonly #admission: Admission<PreparedRequest>
  readonly #held = new Map<string, number>()

  constructor(options: BacklogOptions) {
    const { timers, queues, concurrency, reserve, onReady } = options
    this.#options = options
    this.#schedule = new Schedule(timers, (request) => {
      this.#hold(request.queue, -1)
      this.#rateLimits.add(request.task.name, request)
    })
    this.#rateLimits = new RateLimits(timers, (request) => {
      this.#admission.add(request.queue, request)
      onReady()
    })
    this.#admission = new Admission(queues, concurrency, reserve)
  }

  get concurrency(): number {
    return this.#admission.concurrency
  }

  get scheduled(): { readonly etaAt: number; readonly request: PreparedRequest }[] {
    return this.#schedule.entries.map(({ dueAt, item }) => ({ etaAt: dueAt, request: item }))
  }

  /** What waits for a slot or a rate limit. */
  get reserved(): PreparedRequest[] {
    return [...this.#admission.items, ...this.#rateLimits.waiting]
  }

  get counts(): { readonly ready: number; readonly scheduled: number } {
    return { ready: this.#admission.waiting + this.#rateLimits.waiting.length, scheduled: this.#schedule.size }
  }

  add(request: PreparedRequest): void {
    const { eta } = request.message.envelope
    if (eta === null || eta <= this.#options.timers.now()) return this.#rateLimits.add(request.task.name, request)
    this.#schedule.add(eta, request)
    this.#hold(request.queue, 1)
  }

  /** The next to run, whose slot is taken until `finished`; undefined when nothing may run now. */
  next(): PreparedRequest | undefined {
    return this.#admission.admit()
  }

  finished(queue: string): void {
    this.#admission.finished(queue)
  }

  /** Takes out what of this queue has not started. */
  takeBack(queue: string): PreparedRequest[] {
    const isOfQueue = (request: PreparedRequest): boolean => request.queue === queue
    const scheduled = this.#schedule.remove(isOfQueue)
    this.#hold(queue, -scheduled.length)
    return [...this.#admission.removeAll(queue), ...this.#rateLimits.remove(isOfQueue), ...scheduled]
  }

  resize(concurrency: number): void {
    this.#admission.resize(concurrency)
  }

  addQueue(queue: string): void {
    this.#admission.addQueue(queue)
  }

  removeQueue(queue: string): void {
    this.#admission.removeQueue(queue)
  }

  /** @throws RateLimitInvalid */
  setRateLimit(task: string, limit: string | number | null): void {
    this.#rateLimits.set(task, intervalOf(limit))
  }

  #hold(queue: string, change: number): void {
    if (change === 0) return
    const held = (this.#held.get(queue) ?? 0) + change
    this.#held.set(queue, held)
    this.#options.onHeld(queue, held)
  }
}
