import type { Logger } from '#src/core/logger.ts'
import type { Delivery } from '#src/ports/broker.ts'
import type { TaskMessage, TaskMessageUnreadable } from './decode.ts'

/** One delivery of one task. */
export interface TaskRequest {
  readonly message: TaskMessage
  readonly queue: string
  readonly delivery: Delivery
  /** Ids of the tasks that this one has sent so far; whoever sends one for it adds it. */
  readonly children: string[]
  /** The task says that nobody will ask for its result; the message may say so too. */
  readonly ignoresResult: boolean
}

/** `terminated` while it ran; the others before it started. */
export type RevokeReason = 'expired' | 'revoked' | 'terminated'

/**
 * Whoever wants to know what becomes of tasks: results, events, metrics. The worker waits for the promise before it
 * settles the message, so a result is stored before its ack; an observer that may hang must bound itself. What one
 * throws is logged and changes nothing.
 */
export interface TaskObserver {
  received?(request: TaskRequest): void | Promise<void>
  started?(request: TaskRequest): void | Promise<void>
  succeeded?(request: TaskRequest, result: unknown, runtimeMs: number): void | Promise<void>
  /** Also before it started: the task is not registered, or its arguments are refused. */
  failed?(request: TaskRequest, error: unknown): void | Promise<void>
  /** The next try is about to be published; `rejected` or `failed` follow where it cannot be. */
  retried?(request: TaskRequest, error: unknown): void | Promise<void>
  /** @param signum the Unix signal that was asked for, when terminated */
  revoked?(request: TaskRequest, reason: RevokeReason, signum?: number): void | Promise<void>
  rejected?(request: TaskRequest, requeue: boolean): void | Promise<void>
  /** The handler told a state of its own, such as PROGRESS. */
  stateUpdated?(request: TaskRequest, state: string, meta: unknown): void | Promise<void>
  /** A message that is no task we can read; it is rejected, not requeued. */
  unreadable?(delivery: Delivery, error: TaskMessageUnreadable): void | Promise<void>
}

/** Several observers as one that never throws. */
export class Observers implements Required<TaskObserver> {
  readonly #observers: readonly TaskObserver[]
  readonly #log: Logger

  constructor(observers: readonly TaskObserver[], log: Logger) {
    this.#observers = observers
    this.#log = log
  }

  received(request: TaskRequest): Promise<void> {
    return this.#tell((observer) => observer.received?.(request))
  }

  started(request: TaskRequest): Promise<void> {
    return this.#tell((observer) => observer.started?.(request))
  }

  succeeded(request: TaskRequest, result: unknown, runtimeMs: number): Promise<void> {
    return this.#tell((observer) => observer.succeeded?.(request, result, runtimeMs))
  }

  failed(request: TaskRequest, error: unknown): Promise<void> {
    return this.#tell((observer) => observer.failed?.(request, error))
  }

  retried(request: TaskRequest, error: unknown): Promise<void> {
    return this.#tell((observer) => observer.retried?.(request, error))
  }

  revoked(request: TaskRequest, reason: RevokeReason, signum?: number): Promise<void> {
    return this.#tell((observer) => observer.revoked?.(request, reason, signum))
  }

  rejected(request: TaskRequest, requeue: boolean): Promise<void> {
    return this.#tell((observer) => observer.rejected?.(request, requeue))
  }

  stateUpdated(request: TaskRequest, state: string, meta: unknown): Promise<void> {
    return this.#tell((observer) => observer.stateUpdated?.(request, state, meta))
  }

  unreadable(delivery: Delivery, error: TaskMessageUnreadable): Promise<void> {
    return this.#tell((observer) => observer.unreadable?.(delivery, error))
  }

  /** Each is called at once, in order; one that throws does not keep the next from hearing. */
  async #tell(event: (observer: TaskObserver) => void | Promise<void>): Promise<void> {
    const calls = this.#observers.map(async (observer) => event(observer))
    for (const call of await Promise.allSettled(calls)) {
      if (call.status === 'rejected') this.#log.error({ err: call.reason }, 'a task observer failed')
    }
  }
}
