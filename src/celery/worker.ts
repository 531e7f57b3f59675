import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Broker, Delivery } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { Admission, type Reserve } from './admission.ts'
import { Execution, type FollowUps, type PreparedRequest } from './execution.ts'
import { Intake } from './intake.ts'
import type { TaskEnvelope } from './message.ts'
import { Observers, type TaskObserver } from './observer.ts'
import { WorkerShutdown } from './outcome.ts'
import { QueueFeed } from './queue-feed.ts'
import { intervalOf, RateLimits } from './rate-limits.ts'
import { type RunningTask, RunningTasks } from './running-tasks.ts'
import { Schedule } from './schedule.ts'
import { Screen, type ScreenOptions } from './screen.ts'
import { type Task, taskRegistry } from './task.ts'
import type { TimeLimits } from './time-limits.ts'

export interface CeleryWorkerOptions extends ScreenOptions {
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
  readonly isRevoked?: (envelope: TaskEnvelope) => boolean
  /** @default nothing follows a task */
  readonly followUps?: FollowUps
  readonly timers: Timers
  readonly log: Logger
  /** From 0 to below 1; tests give their own. @default Math.random */
  readonly random?: () => number
  /** How long `close` lets running tasks finish. @default 30000 */
  readonly drainMs?: number
  /** How long they then have to give up when their signal says so. @default 2000 */
  readonly abortGraceMs?: number
}

const ABORT_GRACE_MS = 2_000

/** What the worker has in hand. `scheduled` wait for their eta, `ready` for a slot. */
export interface WorkerLoad {
  readonly running: number
  readonly ready: number
  readonly scheduled: number
}

/** The tasks that the worker has, by how far they are. `reserved` have not started; `scheduled` wait for their eta. */
export interface WorkerRequests {
  readonly active: readonly RunningTask[]
  readonly reserved: readonly PreparedRequest[]
  readonly scheduled: readonly { readonly etaAt: number; readonly request: PreparedRequest }[]
}

/**
 * A Celery worker. A message goes: delivered → taken in (read, known, not expired) → scheduled until its eta, if it
 * has one → ready → running → settled. It stays unsettled at the broker through all of these (with early ack: until
 * it runs), so that whatever dies here comes again elsewhere.
 */
export class CeleryWorker implements Closeable {
  readonly #options: CeleryWorkerOptions
  readonly #feeds = new Map<string, QueueFeed>()
  /** Of queues that are no longer consumed: what runs from them can still be settled. */
  readonly #retired: QueueFeed[] = []
  readonly #registry: ReadonlyMap<string, Task>
  readonly #intake: Intake
  readonly #execution: Execution
  readonly #admission: Admission<PreparedRequest>
  readonly #schedule: Schedule<PreparedRequest>
  readonly #rateLimits: RateLimits<PreparedRequest>
  readonly #screen: Screen
  readonly #timeLimits = new Map<string, TimeLimits>()
  readonly #held = new Map<string, number>()
  readonly #running: RunningTasks
  readonly #stopping = new AbortController()
  readonly #abandon = new AbortController()
  #state: 'new' | 'running' | 'closing' = 'new'
  #starting: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: CeleryWorkerOptions) {
    const { timers, log, queues, concurrency, broker } = options
    const observers = new Observers(options.observers ?? [], log)
    this.#options = options
    this.#registry = taskRegistry(options.tasks)
    this.#running = new RunningTasks(timers)
    this.#screen = new Screen(options, observers, log)
    this.#intake = new Intake({
      registry: this.#registry,
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
      abortGraceMs: options.abortGraceMs ?? ABORT_GRACE_MS,
      limitsOf: (task) => this.timeLimitsOf(task),
      followUps: options.followUps,
    })
    this.#admission = new Admission(queues, concurrency, options.reserve)
    this.#schedule = new Schedule(timers, (request) => this.#due(request))
    this.#rateLimits = new RateLimits(timers, (request) => this.#ready(request))
    for (const task of options.tasks) if (task.rateLimit !== undefined) this.setRateLimit(task.name, task.rateLimit)
    for (const queue of queues) this.#feeds.set(queue, this.#feed(queue))
  }

  get load(): WorkerLoad {
    const ready = this.#admission.waiting + this.#rateLimits.waiting.length
    return { running: this.#running.size, ready, scheduled: this.#schedule.size }
  }

  get requests(): WorkerRequests {
    const scheduled = this.#schedule.entries.map(({ dueAt, item }) => ({ etaAt: dueAt, request: item }))
    return { active: this.#running.list, reserved: [...this.#admission.items, ...this.#rateLimits.waiting], scheduled }
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.#registry
  }

  /** How many of each task have started. */
  get totals(): ReadonlyMap<string, number> {
    return this.#running.totals
  }

  /** The queues that are consumed, each with how many of its messages may be with us. */
  get prefetches(): ReadonlyMap<string, number> {
    return new Map([...this.#feeds].map(([queue, feed]) => [queue, feed.prefetch]))
  }

  get concurrency(): number {
    return this.#admission.concurrency
  }

  /** Fewer take effect as tasks finish. @throws RangeError below 1 */
  resize(concurrency: number): void {
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) throw new RangeError('a worker runs one task at least')
    this.#admission.resize(concurrency)
    for (const feed of this.#feeds.values()) feed.resize(this.#prefetch)
    this.#runReady()
  }

  /** Consumes one queue more, the least urgent of all. Does nothing when it is consumed already. */
  async addQueue(queue: string): Promise<void> {
    if (this.#state !== 'running' || this.#feeds.has(queue)) return
    this.#admission.addQueue(queue)
    const feed = this.#feed(queue)
    this.#feeds.set(queue, feed)
    try {
      await feed.start()
    } catch (error) {
      this.#feeds.delete(queue)
      this.#admission.removeQueue(queue)
      throw error
    }
  }

  /** Consumes a queue no longer; what has not started goes back to it. */
  async removeQueue(queue: string): Promise<void> {
    const feed = this.#feeds.get(queue)
    if (feed === undefined) return
    this.#feeds.delete(queue)
    this.#retired.push(feed)
    await feed.stop()
    for (const { delivery } of this.#takeBack(queue)) delivery.reject({ requeue: true })
    this.#admission.removeQueue(queue)
  }

  /** Tells running handlers to give up. Those that do not start yet are the business of `isRevoked`. */
  terminate(taskIds: ReadonlySet<string>, signum: number): void {
    this.#running.terminate(taskIds, signum)
  }

  timeLimitsOf(task: Task): TimeLimits {
    return this.#timeLimits.get(task.name) ?? { softMs: task.softLimitMs, hardMs: task.hardLimitMs }
  }

  /** For tasks that start from now on and whose message names no limits. */
  setTimeLimits(name: string, limits: TimeLimits): void {
    this.#timeLimits.set(name, limits)
  }

  /** @throws RateLimitInvalid */
  setRateLimit(name: string, limit: string | number | null): void {
    this.#rateLimits.set(name, intervalOf(limit))
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
    const { broker, timers, log } = this.#options
    return new QueueFeed({
      broker,
      queue,
      prefetch: this.#prefetch,
      timers,
      log,
      onMessage: (delivery) => this.#receive(queue, delivery),
      onLost: () => this.#takeBack(queue),
    })
  }

  get #prefetch(): number {
    return this.concurrency * (this.#options.prefetchMultiplier ?? 2)
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
      this.#rateLimits.add(request.task.name, request)
    }
  }

  #due(request: PreparedRequest): void {
    this.#hold(request.queue, -1)
    this.#rateLimits.add(request.task.name, request)
  }

  #ready(request: PreparedRequest): void {
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
      if (this.#intake.isOver(request)) this.#admission.finished(request.queue)
      else this.#start(request)
    }
  }

  #start(request: PreparedRequest): void {
    this.#running.start(request, (terminate) => this.#run(request, terminate))
  }

  async #run(request: PreparedRequest, terminate: AbortSignal): Promise<void> {
    try {
      if (!(await this.#screen.stops(request))) await this.#execution.execute(request, terminate)
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
    const isOfQueue = (request: PreparedRequest): boolean => request.queue === queue
    const scheduled = this.#schedule.remove(isOfQueue)
    this.#hold(queue, -scheduled.length)
    return [...this.#admission.removeAll(queue), ...this.#rateLimits.remove(isOfQueue), ...scheduled]
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
    await Promise.allSettled([...feeds, ...this.#retired].map((feed) => feed.close()))
  }

  async #drain(): Promise<void> {
    const { drainMs = 30_000, abortGraceMs = ABORT_GRACE_MS, log } = this.#options
    if (await this.#running.finishedWithin(drainMs)) return
    log.warn({ running: this.#running.size, drainMs }, 'tasks still run: they are told to give up')
    this.#stopping.abort(new WorkerShutdown('the worker stops'))
    if (await this.#running.finishedWithin(abortGraceMs)) return
    log.error({ running: this.#running.size, abortGraceMs }, 'tasks do not give up: they are left alone')
    this.#abandon.abort(new WorkerShutdown('the worker has stopped'))
    await this.#running.finishedWithin(abortGraceMs)
  }
}
