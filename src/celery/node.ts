import type { Closeable } from '#src/core/lifecycle.ts'
import type { Broker } from '#src/ports/broker.ts'
import { type ResultStore, ResultStoreUnavailable } from '#src/ports/result-store.ts'
import { Aftermath } from './canvas/aftermath.ts'
import { CanvasSender } from './canvas/canvas-sender.ts'
import { Chords } from './canvas/chords.ts'
import { mapTasks } from './canvas/map-tasks.ts'
import { answerCommand, type Command, type ControlledNode } from './control/command.ts'
import { inspectCommands } from './control/inspect-commands.ts'
import { Mailbox } from './control/mailbox.ts'
import { mingle } from './control/mingle.ts'
import { revokeCommands } from './control/revoke-commands.ts'
import { RevokedTasks } from './control/revoked-tasks.ts'
import { workerCommands } from './control/worker-commands.ts'
import { EventDispatcher } from './events/event-dispatcher.ts'
import { Heart } from './events/heart.ts'
import { TaskEvents } from './events/task-events.ts'
import { LamportClock } from './lamport-clock.ts'
import type { TaskObserver } from './observer.ts'
import { ResultKeeper, type ResultKeeperOptions } from './results/result-keeper.ts'
import { TaskPublisher } from './task-publisher.ts'
import type { CeleryWorkerOptions, WorkerLoad } from './worker-options.ts'
import { CeleryWorker } from './worker.ts'

export interface CeleryNodeOptions extends Omit<CeleryWorkerOptions, 'isRevoked' | 'followUps' | 'isDone'> {
  /** Unique among all workers on the broker, as `worker1@host`: two of one name take each other's messages. */
  readonly name: string
  /** Without one nothing is stored, and chords do not end. */
  readonly results?: ResultStore
  readonly resultOptions?: Pick<ResultKeeperOptions, 'trackStarted' | 'extended' | 'storeErrorsEvenIfIgnored'>
  /** Send task events from the start, as `celery worker -E`; remote control turns them on and off. @default false */
  readonly events?: boolean
  /** Be there for others: listen to remote control, tell of starting and stopping, and beat. False for a worker that nobody else can reach. @default true */
  readonly control?: boolean
  /** How long a start waits for other nodes to tell what is revoked; 0 does not ask. @default 1000 */
  readonly mingleMs?: number
  /** Skip a redelivered task with late ack whose stored result is a success. @default true with a result store */
  readonly skipDone?: boolean
  /** Where canvas sends a task whose signature names no queue, as `task_routes` does. @default always `celery` */
  readonly queueOf?: (task: string) => string
  /** Shown by `inspect stats` without its password. */
  readonly brokerUrl?: string
  /** Shown by `inspect conf`, secrets masked. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** `celery control shutdown` asks for it: it must close the node in the end. @default closes the node */
  readonly onShutdown?: () => void
}

const COMMANDS: ReadonlyMap<string, Command> = new Map([...inspectCommands, ...revokeCommands, ...workerCommands])

/** A worker that Celery's tools take for one of theirs: it keeps results, tells events, and obeys remote control. */
export class CeleryNode implements Closeable {
  readonly name: string
  readonly worker: CeleryWorker
  readonly #options: CeleryNodeOptions
  readonly #clock = new LamportClock()
  readonly #revoked: RevokedTasks
  readonly #keeper: ResultKeeper | undefined
  readonly #dispatcher: EventDispatcher
  readonly #heart: Heart
  readonly #mailbox: Mailbox | undefined
  readonly #controlled: ControlledNode
  #isStarted = false
  #closed: Promise<void> | undefined

  constructor(options: CeleryNodeOptions) {
    const { name, broker, timers, log, results } = options
    if (!name.includes('@')) throw new Error(`a node is named like worker1@host, not ${name}`)
    const publisher = options.publisher ?? broker
    const shared = { node: name, clock: this.#clock, timers, log }
    this.#options = options
    this.name = name
    this.#revoked = new RevokedTasks(timers)
    this.#keeper = results && new ResultKeeper({ ...options.resultOptions, ...shared, results })
    this.#dispatcher = new EventDispatcher({ ...shared, broker: publisher })
    const events = new TaskEvents(this.#dispatcher, options.events ?? false)
    const aftermath = this.#aftermath(publisher)
    this.worker = new CeleryWorker({
      ...options,
      tasks: [...options.tasks, ...mapTasks(options.tasks)],
      observers: [inOrder(aftermath, events), ...(options.observers ?? [])],
      followUps: aftermath,
      isRevoked: (envelope) => this.#revoked.has(envelope),
      ...this.#isDone(),
    })
    this.#heart = new Heart({ dispatcher: this.#dispatcher, broker: publisher, timers, counts: () => this.#counts() })
    this.#controlled = this.#controlledNode(events)
    this.#mailbox =
      options.control === false
        ? undefined
        : new Mailbox({ ...shared, broker, publisher, answer: (request) => this.#answer(request) })
  }

  /** Tasks that were told apart from their results because the store did not answer; and events that were dropped. For metrics. */
  get losses(): { readonly results: number; readonly events: number } {
    return { results: this.#keeper?.unanswered ?? 0, events: this.#dispatcher.dropped }
  }

  get load(): WorkerLoad {
    return this.worker.load
  }

  /** Resolves when every queue is consumed. @throws BrokerRefused when a queue is declared otherwise */
  async start(): Promise<void> {
    const { broker, timers, log, mingleMs = 1_000, control = true } = this.#options
    if (this.#isStarted || this.#closed !== undefined) return
    this.#isStarted = true
    const shared = { node: this.name, clock: this.#clock, revoked: this.#revoked, timers, log }
    if (control && mingleMs > 0) await mingle({ ...shared, broker, waitMs: mingleMs })
    if (this.#closed !== undefined) return
    await this.#mailbox?.start()
    if (this.#closed !== undefined) return
    if (control) this.#heart.start()
    await this.worker.start()
  }

  /** Warm shutdown of the worker, then the end of remote control, and `worker-offline` as the very last word. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.worker.close()
    if (!this.#isStarted) return
    await this.#mailbox?.stop()
    if (this.#options.control !== false) await this.#heart.stop()
  }

  #aftermath(publisher: Broker): Aftermath {
    const { timers, log, queueOf = () => 'celery' } = this.#options
    const keeper = this.#keeper
    const sender = new CanvasSender({
      publisher: new TaskPublisher(publisher, timers),
      timers,
      queueOf,
      setChordSize: async ({ groupId, size }) => {
        const isKept = await keeper?.ask(async (store) => store.setChordSize(groupId, size).then(() => true))
        if (isKept !== true) throw new ResultStoreUnavailable('a chord needs a result store that answers')
      },
    })
    return new Aftermath({ sender, keeper, chords: keeper && new Chords(keeper, log), log })
  }

  #isDone(): Pick<CeleryWorkerOptions, 'isDone'> {
    const keeper = this.#keeper
    const isWanted = keeper !== undefined && this.#options.skipDone !== false
    return isWanted ? { isDone: async (taskId) => keeper.isDone(taskId) } : {}
  }

  #counts(): { readonly active: number; readonly processed: number } {
    return {
      active: this.worker.load.running,
      processed: this.worker.totals.values().reduce((sum, count) => sum + count, 0),
    }
  }

  #controlledNode(events: TaskEvents): ControlledNode {
    const { timers, log, brokerUrl, settings = {}, onShutdown } = this.#options
    return {
      node: this.name,
      worker: this.worker,
      clock: this.#clock,
      revoked: this.#revoked,
      events,
      heart: this.#heart,
      keeper: this.#keeper,
      timers,
      log,
      brokerUrl,
      settings,
      startedAt: timers.now(),
      shutdown: onShutdown ?? (() => void this.close()),
    }
  }

  async #answer(request: Parameters<typeof answerCommand>[2]): Promise<unknown> {
    return await answerCommand(COMMANDS, this.#controlled, request)
  }
}

/** Events come after results: whoever hears that a task is done finds its result. What one throws keeps the other from nothing. */
function inOrder(first: TaskObserver, second: TaskObserver): TaskObserver {
  const both = async (a: () => unknown, b: () => unknown): Promise<void> => {
    try {
      await a()
    } finally {
      await b()
    }
  }
  return {
    received: (request) => second.received?.(request),
    started: async (request) =>
      both(
        () => second.started?.(request),
        () => first.started?.(request),
      ),
    succeeded: async (request, result, ms) =>
      both(
        () => first.succeeded?.(request, result, ms),
        () => second.succeeded?.(request, result, ms),
      ),
    failed: async (request, error) =>
      both(
        () => first.failed?.(request, error),
        () => second.failed?.(request, error),
      ),
    retried: async (request, error) =>
      both(
        () => first.retried?.(request, error),
        () => second.retried?.(request, error),
      ),
    revoked: async (request, reason, signum) =>
      both(
        () => first.revoked?.(request, reason, signum),
        () => second.revoked?.(request, reason, signum),
      ),
    rejected: (request, requeue) => second.rejected?.(request, requeue),
    stateUpdated: (request, state, meta) => first.stateUpdated?.(request, state, meta),
  }
}
