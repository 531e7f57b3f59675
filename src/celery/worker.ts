import type { Closeable } from '#src/core/lifecycle.ts'
import type { Delivery } from '#src/ports/broker.ts'
import { Backlog } from './backlog.ts'
import { Execution, type PreparedRequest } from './execution.ts'
import { Intake } from './intake.ts'
import { Observers } from './observer.ts'
import { WorkerShutdown } from './outcome.ts'
import { QueueFeed } from './queue-feed.ts'
import { RunningTasks } from './running-tasks.ts'
import { Screen } from './screen.ts'
import { type Task, taskRegistry } from './task.ts'
import type { TimeLimits } from './time-limits.ts'
import type { CeleryWorkerOptions, WorkerLoad, WorkerRequests } from './worker-options.ts'

const ABORT_GRACE_MS = 2_000

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
  readonly #backlog: Backlog
  readonly #screen: Screen
  readonly #timeLimits = new Map<string, TimeLimits>()
  readonly #rateLimits = new Map<string, string>()
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
    this.#backlog = new Backlog({
      timers,
      queues,
      concurrency,
      reserve: options.reserve,
      onReady: () => this.#runReady(),
      onHeld: (queue, count) => this.#feeds.get(queue)?.hold(count),
    })
    for (const task of options.tasks) if (task.rateLimit !== undefined) this.setRateLimit(task.name, task.rateLimit)
    for (const queue of queues) this.#feeds.set(queue, this.#feed(queue))
  }

  get load(): WorkerLoad {
    return { running: this.#running.size, ...this.#backlog.counts }
  }

  get requests(): WorkerRequests {
    return { active: this.#running.list, reserved: this.#backlog.reserved, scheduled: this.#backlog.scheduled }
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
    return this.#backlog.concurrency
  }

  /** Fewer take effect as tasks finish. @throws RangeError below 1 */
  resize(concurrency: number): void {
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) throw new RangeError('a worker runs one task at least')
    this.#backlog.resize(concurrency)
    for (const feed of this.#feeds.values()) feed.resize(this.#prefetch)
    this.#runReady()
  }

  /** Consumes one queue more, the least urgent of all. Does nothing when it is consumed already. */
  async addQueue(queue: string): Promise<void> {
    if (this.#state !== 'running' || this.#feeds.has(queue)) return
    this.#backlog.addQueue(queue)
    const feed = this.#feed(queue)
    this.#feeds.set(queue, feed)
    try {
      await feed.start()
    } catch (error) {
      this.#feeds.delete(queue)
      this.#backlog.removeQueue(queue)
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
    for (const { delivery } of this.#backlog.takeBack(queue)) delivery.reject({ requeue: true })
    this.#backlog.removeQueue(queue)
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

  /** As it was set last; undefined without one. */
  rateLimitOf({ name }: Task): string | undefined {
    return this.#rateLimits.get(name)
  }

  /** @throws RateLimitInvalid */
  setRateLimit(name: string, limit: string | number | null): void {
    this.#backlog.setRateLimit(name, limit)
    if (limit === null || limit === '' || Number(limit) === 0) this.#rateLimits.delete(name)
    else this.#rateLimits.set(name, String(limit))
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
      onLost: () => this.#backlog.takeBack(queue),
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
    this.#backlog.add(request)
  }

  #runReady(): void {
    if (this.#state !== 'running') return
    for (let request = this.#backlog.next(); request !== undefined; request = this.#backlog.next()) {
      if (this.#intake.isOver(request)) this.#backlog.finished(request.queue)
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
      this.#backlog.finished(request.queue)
      this.#runReady()
    }
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
      for (const { delivery } of this.#backlog.takeBack(queue)) delivery.reject({ requeue: true })
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
