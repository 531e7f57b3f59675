import type { Timers } from '#src/core/timers.ts'
import type { PreparedRequest } from './execution.ts'
import { TaskTerminated } from './outcome.ts'

/** A task under way. */
export interface RunningTask {
  readonly request: PreparedRequest
  /** Milliseconds since 1970 UTC. */
  readonly startedAt: number
}

/** What runs now, each with the means to end it. */
export class RunningTasks {
  readonly #timers: Timers
  readonly #running = new Map<Promise<void>, RunningTask & { readonly terminate: AbortController }>()
  readonly #totals = new Map<string, number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  get size(): number {
    return this.#running.size
  }

  get list(): RunningTask[] {
    return [...this.#running.values()]
  }

  /** How many of each task have started since the worker did. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals
  }

  /** @param run must not reject */
  start(request: PreparedRequest, run: (terminate: AbortSignal) => Promise<void>): void {
    const name = request.message.envelope.shadow ?? request.message.envelope.task
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + 1)
    const terminate = new AbortController()
    const running = run(terminate.signal)
    this.#running.set(running, { request, startedAt: this.#timers.now(), terminate })
    void running.then(() => this.#running.delete(running))
  }

  /** Tells the handlers of these ids to give up. */
  terminate(taskIds: ReadonlySet<string>, signum: number): void {
    for (const { request, terminate } of this.#running.values()) {
      if (taskIds.has(request.message.envelope.id)) terminate.abort(new TaskTerminated(signum))
    }
  }

  /** True when all that runs now has ended in time. */
  async finishedWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const stopTimer = this.#timers.after(ms, () => resolve(false))
    void Promise.allSettled(this.#running.keys()).then(() => resolve(true))
    const isFinished = await promise
    stopTimer()
    return isFinished
  }
}
