import type { Logger } from '#src/core/logger.ts'
import { type Broker, BrokerRefused, BrokerUnavailable } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Observers, TaskRequest } from './observer.ts'
import {
  EncodeError,
  type Outcome,
  outcomeOfError,
  SoftTimeLimitExceeded,
  TaskTerminated,
  WorkerShutdown,
} from './outcome.ts'
import { writePythonJson } from './python-json.ts'
import { retryMessage } from './retry.ts'
import { retry, type Task, type TaskContext } from './task.ts'
import { type Run, runWithin, type TimeLimits } from './time-limits.ts'

/** A request whose task is known and whose arguments are accepted. */
export interface PreparedRequest extends TaskRequest {
  readonly task: Task
  readonly run: (context: TaskContext) => Promise<unknown>
}

/** What a task's success sets off: links and the rest of a chain. */
export interface FollowUps {
  /** Resolves when all of it is published. */
  publishFollowing(request: TaskRequest, result: unknown): Promise<void>
}

export interface ExecutionOptions {
  /** Where retries are published. */
  readonly publisher: Broker
  readonly observers: Observers
  readonly timers: Timers
  readonly log: Logger
  /** From 0 to below 1. */
  readonly random: () => number
  /** Tells handlers to give up. */
  readonly stopping: AbortSignal
  /** The worker waits for no handler any longer. */
  readonly abandon: AbortSignal
  /** How long a terminated handler has to give up. */
  readonly abortGraceMs: number
  /** The limits of a task whose message names none. */
  readonly limitsOf: (task: Task) => TimeLimits
  readonly followUps: FollowUps | undefined
}

/** Celery's own policy for a publish that fails: at once, then after these. */
const PUBLISH_PAUSES_MS = [0, 200, 400]

/** Runs one task from its start to the settling of its message. Never throws. */
export class Execution {
  readonly #options: ExecutionOptions

  constructor(options: ExecutionOptions) {
    this.#options = options
  }

  async execute(request: PreparedRequest, terminate: AbortSignal): Promise<void> {
    const { observers, timers, stopping, abandon, abortGraceMs } = this.#options
    const { task } = request
    // Early ack is at the start. One that died with the connection is not run: it comes again.
    if (!task.acksLate && !request.delivery.ack()) return
    void observers.started(request)
    const startedAt = timers.now()
    const stops = { stopping, abandon, terminate, graceMs: abortGraceMs }
    const run = await runWithin(this.#limitsOf(request), timers, stops, (signal) =>
      request.run(this.#context(request, signal)),
    )
    const outcome = this.#outcomeOf(run, request)
    await this.#conclude(request, outcome, timers.now() - startedAt)
  }

  #context(request: TaskRequest, signal: AbortSignal): TaskContext {
    const { envelope } = request.message
    const { log } = this.#options
    let ownLog: Logger | undefined
    return {
      taskId: envelope.id,
      retries: envelope.retries,
      redelivered: request.delivery.redelivered,
      envelope,
      signal,
      // Made when asked for: a small task that logs nothing would spend a tenth of its time on it.
      get log() {
        return (ownLog ??= log.child({ task: envelope.task, taskId: envelope.id, retries: envelope.retries }))
      },
      retry,
      updateState: (state, meta) => this.#options.observers.stateUpdated(request, state, meta),
      noteChild: (taskId) => void request.children.push(taskId),
    }
  }

  #outcomeOf(run: Run, { task, message }: PreparedRequest): Outcome {
    if (run.how === 'returned') return successOrUnwritable(run.result)
    if (run.told instanceof TaskTerminated) return { state: 'terminated', signum: run.told.signum }
    if (run.told instanceof WorkerShutdown) return { state: 'released' }
    if (run.how === 'left') return { state: 'timed_out', error: run.told }
    const gaveUp = run.told !== undefined && (run.error === run.told || isAbortError(run.error))
    if (gaveUp && run.told instanceof SoftTimeLimitExceeded) return { state: 'failure', error: run.told }
    return outcomeOfError(run.error, message.envelope.retries, task.retryRule, this.#options.random)
  }

  async #conclude(request: PreparedRequest, outcome: Outcome, runtimeMs: number): Promise<void> {
    const { observers } = this.#options
    const { task } = request
    const context = { task: task.name, taskId: request.message.envelope.id, runtimeMs }
    switch (outcome.state) {
      case 'success':
        await this.#succeed(request, outcome.result, runtimeMs)
        return
      case 'failure':
      case 'timed_out':
        this.#options.log.error({ ...context, err: outcome.error }, 'task failed')
        await observers.failed(request, outcome.error)
        this.#settle(request, settlementOfFailure(task, outcome.state))
        return
      case 'retry':
        await this.#retry(request, outcome.error, outcome.delayMs)
        return
      case 'terminated':
        this.#options.log.warn(context, 'task terminated')
        await observers.revoked(request, 'terminated', outcome.signum)
        this.#settle(request, 'ack')
        return
      case 'ignored':
        this.#settle(request, 'ack')
        return
      case 'rejected':
        await this.#reject(request, outcome.requeue)
        return
      case 'released':
        this.#options.log.warn(context, task.acksLate ? 'task given back' : 'task broken off by the stop')
        if (!task.acksLate) await observers.failed(request, new WorkerShutdown('the worker stopped'))
        this.#settle(request, 'requeue')
    }
  }

  /** What follows is published before the result is told: whoever waits for it finds the rest under way. */
  async #succeed(request: PreparedRequest, result: unknown, runtimeMs: number): Promise<void> {
    const { observers, followUps, log } = this.#options
    const { id, task } = request.message.envelope
    try {
      await followUps?.publishFollowing(request, result)
    } catch (error) {
      const requeue = request.task.acksLate && error instanceof BrokerUnavailable
      log.error({ task, taskId: id, err: error, requeue }, 'what follows the task could not be published')
      if (requeue) return await this.#reject(request, true)
      await observers.failed(request, error)
      this.#settle(request, settlementOfFailure(request.task, 'failure'))
      return
    }
    await observers.succeeded(request, result, runtimeMs)
    this.#settle(request, 'ack')
    log.debug({ task, taskId: id, runtimeMs }, 'task succeeded')
  }

  /**
   * Told before it is published, where Celery tells it after: the next try may be over on another worker by then, and
   * its success must not be followed by the news of this one. Published before the ack: between the two the task may
   * exist twice, never not at all.
   */
  async #retry(request: PreparedRequest, error: unknown, delayMs: number): Promise<void> {
    const { observers, log } = this.#options
    const { id, task, retries } = request.message.envelope
    await observers.retried(request, error)
    const failure = await this.#publishRetry(request, delayMs)
    if (failure === undefined) {
      log.warn({ task, taskId: id, retries, delayMs, err: error }, 'task will be retried')
      this.#settle(request, 'ack')
      return
    }
    // Celery drops the task here. A broker that is only away is no reason to: the message itself is the retry.
    const requeue = !(failure instanceof BrokerRefused)
    log.error({ task, taskId: id, err: failure, requeue }, 'the retry could not be published')
    if (request.task.acksLate) await this.#reject(request, requeue)
    else await observers.failed(request, error)
  }

  async #publishRetry(request: PreparedRequest, delayMs: number): Promise<unknown> {
    const { publisher, timers } = this.#options
    let failure: unknown
    for (const pauseMs of PUBLISH_PAUSES_MS) {
      if (pauseMs > 0) await new Promise<void>((resolve) => timers.after(pauseMs, resolve))
      try {
        await publisher.publish(retryMessage(request, delayMs, timers.now()), { mandatory: true })
        return undefined
      } catch (error) {
        failure = error
        if (error instanceof BrokerRefused) break
      }
    }
    return failure
  }

  /** After an early ack there is nothing left to reject, and Celery says nothing. */
  async #reject(request: PreparedRequest, requeue: boolean): Promise<void> {
    if (!request.task.acksLate) return
    await this.#options.observers.rejected(request, requeue)
    this.#settle(request, requeue ? 'requeue' : 'drop')
  }

  /** The message's own limits replace the task's. */
  #limitsOf({ task, message: { envelope } }: PreparedRequest): TimeLimits {
    const { softLimitSeconds, hardLimitSeconds } = envelope
    const { softMs, hardMs } = this.#options.limitsOf(task)
    return {
      softMs: softLimitSeconds === null ? softMs : softLimitSeconds * 1000,
      hardMs: hardLimitSeconds === null ? hardMs : hardLimitSeconds * 1000,
    }
  }

  #settle({ task, delivery, message }: PreparedRequest, how: Settlement): void {
    if (!task.acksLate) return
    const isSettled = how === 'ack' ? delivery.ack() : delivery.reject({ requeue: how === 'requeue' })
    if (isSettled) return
    const { task: name, id } = message.envelope
    this.#options.log.warn({ task: name, taskId: id }, 'the connection went before the ack: the task will come again')
  }
}

type Settlement = 'ack' | 'requeue' | 'drop'

function settlementOfFailure(task: Task, state: 'failure' | 'timed_out'): Settlement {
  if (task.acksOnFailureOrTimeout) return 'ack'
  return state === 'timed_out' ? 'requeue' : 'drop'
}

/** Python has no undefined: nothing is None. */
function successOrUnwritable(returned: unknown): Outcome {
  const result = returned ?? null
  try {
    writePythonJson(result)
    return { state: 'success', result }
  } catch (error) {
    return { state: 'failure', error: new EncodeError('the result is no JSON', { cause: error }) }
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
