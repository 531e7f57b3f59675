import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Broker, Delivery } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { Admission, type Reserve } from './admission.ts'
import { Execution, type PreparedRequest } from './execution.ts'
import { Intake } from './intake.ts'
import { Observers, type TaskObserver } from './observer.ts'
import { WorkerShutdown } from './outcome.ts'
import { QueueFeed } from './queue-feed.ts'
import { Schedule } from './schedule.ts'
import { type Task, taskRegistry } from './task.ts'

export interface CeleryWorkerOptions {
  /** Its connection for consuming. */
  readonly broker: Broker
  /** For retries. @default `broker` */
  readonly publisher?: Broker
  readonly tasks: readonly Task[]
  /** The most urgent first. */
  readonly queues: readonly string[]
  /** Tasks at a time, over all queues. */
  readonly concurrency: number
  readonly reserve?: Reserve
  /** Messages of each queue that may be with us, per slot: more hide the broker's round trip, fewer leave work to other workers. @default 2 */
  readonly prefetchMultiplier?: number
  readonly observers?: readonly TaskObserver[]
  /** @default nothing is revoked */
  readonly isRevoked?: (taskId: string) => boolean
  readonly timers: Timers
  readonly log: Logger
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
  /** How long `close` lets running tasks finish. @default 30000 */
  readonly drainMs?: number
  /** How long they then have to give up when their signal says so. @default 2000 */
  readonly abortGraceMs?: number
}

/** What the worker has in hand. `scheduled` wait for their eta, `ready` for a slot. */
export interface WorkerLoad {
  readonly running: number
  readonly ready: number
  readonly scheduled: number
}

/**
 * A Celery worker. A message goes: delivered → taken in (read, known, not expired) → scheduled until its eta, if it
 * has one → ready → running → settled. It stays unsettled at the broker through all of these (with early ack: until
 * it runs), so that whatever dies here comes again elsewhere.
 */
export class CeleryWorker implements Closeable {
  readonly #options: CeleryWorkerOptions
  readonly #feeds: ReadonlyMap<string, QueueFeed>
  readonly #intake: Intake
  readonly #execution: Execution
  readonly #admission: Admission<PreparedRequest>
  readonly #schedule: Schedule<PreparedRequest>
  readonly #held: Map<string, number>
  readonly #running = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #abandon = new AbortController()
  #state: 'new' | 'running' | 'closing' = 'new'
  #starting: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: CeleryWorkerOptions) {
    const { timers, log, queues, concurrency, broker } = options
    const observers = new Observers(options.observers ?? [], log)
    const registry = taskRegistry(options.tasks)
    this.#options = options
    this.#intake = new Intake({
      registry,
      observers,
      clock: timers.now,
      log,
      isRevoked: options.isRevoked ?? (() => false),
    })
    this.#execution = new Execution({
      publisher: options.publisher ?? broker,
      observers,
      timers,
      log,
      random: options.random ?? Math.random,
      stopping: this.#stopping.signal,
      abandon: this.#abandon.signal,
    })
    this.#admission = new Admission(queues, concurrency, options.reserve)
    this.#schedule = new Schedule(timers, (request) => this.#due(request))
    this.#held = new Map(queues.map((queue) => [queue, 0]))
    this.#feeds = new Map(queues.map((queue) => [queue, this.#feed(queue)]))
  }

  get load(): WorkerLoad {
    return { running: this.#running.size, ready: this.#admission.waiting, scheduled: this.#schedule.size }
  }

  /** Resolves when every queue is consumed; waits for a broker that is away. @throws BrokerRefused when a queue is declared otherwise */
  start(): Promise<void> {
    if (this.#state !== 'new') return this.#starting
    this.#state = 'running'
    this.#starting = Promise.all(this.#feeds.values().map((feed) => feed.start())).then(() => {})
    return this.#starting
  }

  /**
   * Warm shutdown: takes no more, gives back at once what has not started, lets running tasks finish within `drainMs`,
   * tells the rest to give up, and gives their messages back too.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #feed(queue: string): QueueFeed {
    const { broker, concurrency, prefetchMultiplier = 2, timers, log } = this.#options
    return new QueueFeed({
      broker,
      queue,
      prefetch: concurrency * prefetchMultiplier,
      timers,
      log,
      onMessage: (delivery) => this.#receive(queue, delivery),
      onLost: () => this.#takeBack(queue),
    })
  }

  #receive(queue: string, delivery: Delivery): void {
    if (this.#state === 'closing') {
      delivery.reject({ requeue: true })
      return
    }
    const request = this.#intake.accept(queue, delivery)
    if (request === undefined) return
    const { eta } = request.message.envelope
    if (eta !== null && eta > this.#options.timers.now()) {
      this.#schedule.add(eta, request)
      this.#hold(queue, 1)
    } else {
      this.#admission.add(queue, request)
      this.#runReady()
    }
  }

  #due(request: PreparedRequest): void {
    this.#hold(request.queue, -1)
    this.#admission.add(request.queue, request)
    this.#runReady()
  }

  #hold(queue: string, change: number): void {
    const held = (this.#held.get(queue) ?? 0) + change
    this.#held.set(queue, held)
    this.#feeds.get(queue)?.hold(held)
  }

  #runReady(): void {
    if (this.#state !== 'running') return
    for (let request = this.#admission.admit(); request !== undefined; request = this.#admission.admit()) {
      const running = this.#run(request)
      this.#running.add(running)
      void running.then(() => this.#running.delete(running))
    }
  }

  async #run(request: PreparedRequest): Promise<void> {
    try {
      if (!this.#intake.isOver(request)) await this.#execution.execute(request)
    } catch (error) {
      // Its message stays unsettled and returns with the consumer's end: better late than lost.
      this.#options.log.error({ err: error, taskId: request.message.envelope.id }, 'the worker failed at a task')
    } finally {
      this.#admission.finished(request.queue)
      this.#runReady()
    }
  }

  /** What of this queue has not started. */
  #takeBack(queue: string): PreparedRequest[] {
    const scheduled = this.#schedule.remove((request) => request.queue === queue)
    this.#hold(queue, -scheduled.length)
    return [...this.#admission.removeAll(queue), ...scheduled]
  }

  async #close(): Promise<void> {
    const wasStarted = this.#state === 'running'
    this.#state = 'closing'
    if (!wasStarted) return
    const feeds = [...this.#feeds.values()]
    const stopped = Promise.allSettled(feeds.map((feed) => feed.stop()))
    await Promise.allSettled([this.#starting])
    await stopped
    for (const queue of this.#feeds.keys()) {
      for (const { delivery } of this.#takeBack(queue)) delivery.reject({ requeue: true })
    }
    await this.#drain()
    await Promise.allSettled(feeds.map((feed) => feed.close()))
  }

  async #drain(): Promise<void> {
    const { drainMs = 30_000, abortGraceMs = 2_000, log } = this.#options
    if (await this.#finishedWithin(drainMs)) return
    log.warn({ running: this.#running.size, drainMs }, 'tasks still run: they are told to give up')
    this.#stopping.abort(new WorkerShutdown('the worker stops'))
    if (await this.#finishedWithin(abortGraceMs)) return
    log.error({ running: this.#running.size, abortGraceMs }, 'tasks do not give up: they are left alone')
    this.#abandon.abort(new WorkerShutdown('the worker has stopped'))
    await this.#finishedWithin(abortGraceMs)
  }

  async #finishedWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const stopTimer = this.#options.timers.after(ms, () => resolve(false))
    void Promise.allSettled(this.#running).then(() => resolve(true))
    const isFinished = await promise
    stopTimer()
    return isFinished
  }
}
