import type { Logger } from '#src/core/logger.ts'
import type { Clock } from '#src/core/clock.ts'
import type { Delivery } from '#src/ports/broker.ts'
import { decodeTaskMessage, type TaskMessage, TaskMessageUnreadable } from './decode.ts'
import type { PreparedRequest } from './execution.ts'
import type { TaskEnvelope } from './message.ts'
import type { Observers, TaskRequest } from './observer.ts'
import { NotRegistered, TaskArgumentsInvalid } from './outcome.ts'
import type { Task, TaskContext } from './task.ts'

export interface IntakeOptions {
  readonly registry: ReadonlyMap<string, Task>
  readonly observers: Observers
  readonly clock: Clock
  readonly log: Logger
  /** Revoked tasks are dropped when they arrive and again before they start. */
  readonly isRevoked: (envelope: TaskEnvelope) => boolean
}

/**
 * From bytes to a task that may run, or to the end of a message that never will. What is dropped for good is
 * rejected, not acked, so that a dead-letter exchange can keep it where an operator finds it (Celery acks what it
 * cannot decode; without such an exchange the effect is the same).
 */
export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** The request to run, now or at its eta; undefined when the message is settled already. Never throws. */
  accept(queue: string, delivery: Delivery): PreparedRequest | undefined {
    const message = this.#read(queue, delivery)
    if (message === undefined) return undefined
    const task = this.#options.registry.get(message.envelope.task)
    const request = { message, queue, delivery, children: [], ignoresResult: task?.ignoreResult ?? false }
    if (task === undefined) {
      return this.#refuse(request, new NotRegistered(message.envelope.task))
    }
    if (this.isOver(request)) return undefined
    // Before its arguments are looked at: Flower lists no task of which it heard the failure alone.
    void this.#options.observers.received(request)
    const run = this.#prepare(request, task)
    return run === undefined ? undefined : { ...request, task, run }
  }

  /** True when the task is expired or revoked, and its message settled with that. */
  isOver(request: TaskRequest): boolean {
    const { expires, id, task } = request.message.envelope
    const isExpired = expires !== null && expires < this.#options.clock()
    if (!isExpired && !this.#options.isRevoked(request.message.envelope)) return false
    const reason = isExpired ? 'expired' : 'revoked'
    this.#options.log.info({ task, taskId: id, reason }, 'task dropped')
    void this.#options.observers.revoked(request, reason).then(() => request.delivery.ack())
    return true
  }

  #read(queue: string, delivery: Delivery): TaskMessage | undefined {
    try {
      return decodeTaskMessage(delivery)
    } catch (error) {
      const unreadable =
        error instanceof TaskMessageUnreadable
          ? error
          : new TaskMessageUnreadable('undecodable', 'the message could not be read', { cause: error })
      this.#options.log.error({ err: unreadable, reason: unreadable.reason, queue }, 'message rejected')
      void this.#options.observers.unreadable(delivery, unreadable).then(() => delivery.reject({ requeue: false }))
      return undefined
    }
  }

  #prepare(request: TaskRequest, task: Task): ((context: TaskContext) => Promise<unknown>) | undefined {
    try {
      return task.prepare(request.message.args, request.message.kwargs)
    } catch (error) {
      return this.#refuse(
        request,
        error instanceof TaskArgumentsInvalid ? error : new TaskArgumentsInvalid(String(error)),
      )
    }
  }

  #refuse(request: TaskRequest, error: Error): undefined {
    const { task, id } = request.message.envelope
    this.#options.log.error({ err: error, task, taskId: id, queue: request.queue }, 'task refused')
    void this.#options.observers.failed(request, error).then(() => request.delivery.reject({ requeue: false }))
    return undefined
  }
}
