import { AppError } from '#src/core/errors.ts'

/** How a task ended, and with it what becomes of its message. */
export type Outcome =
  | { readonly state: 'success'; readonly result: unknown }
  | { readonly state: 'failure'; readonly error: unknown }
  | { readonly state: 'retry'; readonly error: unknown; readonly delayMs: number }
  | { readonly state: 'rejected'; readonly requeue: boolean }
  | { readonly state: 'ignored' }
  /** The hard limit passed. The handler cannot be killed inside a process: it was told by its signal, and left alone. */
  | { readonly state: 'timed_out'; readonly error: unknown }
  /** Terminated from outside while it ran. */
  | { readonly state: 'terminated'; readonly signum: number }
  /** The worker shuts down and the handler gave up: the message is for another worker. */
  | { readonly state: 'released' }

/** Thrown by `context.retry()`: once more, later. */
export class RetryTask extends Error {
  override readonly name = 'Retry'
  readonly delayMs: number | undefined

  constructor(options: { cause?: unknown; delayMs?: number } = {}) {
    super('the task asked to be retried', { cause: options.cause })
    this.delayMs = options.delayMs
  }
}

/** Thrown by a handler with late ack: the message goes back to the queue, or to the dead letters. No result is stored. */
export class RejectTask extends Error {
  override readonly name = 'Reject'
  readonly requeue: boolean

  constructor(message: string, options: { requeue: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.requeue = options.requeue
  }
}

/** Thrown by a handler: done, and there is nothing to say about it. */
export class IgnoreTask extends Error {
  override readonly name = 'Ignore'
}

export class NotRegistered extends Error {
  override readonly name = 'NotRegistered'
  readonly task: string

  constructor(task: string) {
    super(`no task ${task} is known here`)
    this.task = task
  }
}

/** What waits for a task that will not run, or not to its end, learns this. */
export class TaskRevoked extends Error {
  override readonly name = 'TaskRevokedError'
  readonly reason: 'expired' | 'revoked' | 'terminated'

  constructor(reason: TaskRevoked['reason']) {
    super(reason)
    this.reason = reason
  }
}

export class TaskArgumentsInvalid extends Error {
  override readonly name = 'TaskArgumentsInvalid'
}

export class SoftTimeLimitExceeded extends Error {
  override readonly name = 'SoftTimeLimitExceeded'
}

export class TimeLimitExceeded extends Error {
  override readonly name = 'TimeLimitExceeded'
  readonly limitSeconds: number

  constructor(limitMs: number) {
    super(`${limitMs} ms are over`)
    this.limitSeconds = limitMs / 1000
  }
}

/** The reason of a handler's signal when the task was terminated by remote control. */
export class TaskTerminated extends Error {
  override readonly name = 'TaskTerminated'
  /** The number of the Unix signal that Celery would have sent. */
  readonly signum: number

  constructor(signum: number) {
    super('the task was terminated')
    this.signum = signum
  }
}

/** The result is nothing that Python reads. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError'
}

/** The reason of a handler's signal when the worker stops and the time to drain is over. */
export class WorkerShutdown extends Error {
  override readonly name = 'WorkerShutdown'
}

export interface RetryRule {
  readonly maxRetries: number
  /** The wait of `context.retry()` without one. */
  readonly retryDelayMs: number
  /** The first wait after an error that passes; it doubles with each retry. */
  readonly backoffMs: number
  readonly longestBackoffMs: number
}

/**
 * The one table from what a handler threw to what becomes of the task. `unavailable` and `rate_limited` pass with
 * time; every other error would be the same again.
 *
 * @param random from 0 to below 1
 */
export function outcomeOfError(error: unknown, retries: number, rule: RetryRule, random: () => number): Outcome {
  if (error instanceof RejectTask) return { state: 'rejected', requeue: error.requeue }
  if (error instanceof IgnoreTask) return { state: 'ignored' }
  if (error instanceof RetryTask) {
    return retryOrFail(error.cause ?? error, retries, rule, error.delayMs ?? rule.retryDelayMs)
  }
  if (error instanceof AppError && (error.kind === 'unavailable' || error.kind === 'rate_limited')) {
    const toldMs = (error.retryAfterSeconds ?? 0) * 1000
    return retryOrFail(error, retries, rule, toldMs + backoffMs(retries, rule, random))
  }
  return { state: 'failure', error }
}

function retryOrFail(error: unknown, retries: number, rule: RetryRule, delayMs: number): Outcome {
  return retries >= rule.maxRetries ? { state: 'failure', error } : { state: 'retry', error, delayMs }
}

/** Full jitter: any whole number of milliseconds from 0 to the doubled wait, so that a crowd does not come back as one. */
export function backoffMs(
  retries: number,
  rule: Pick<RetryRule, 'backoffMs' | 'longestBackoffMs'>,
  random: () => number,
): number {
  const longestMs = Math.min(rule.longestBackoffMs, rule.backoffMs * 2 ** retries)
  return Math.floor(random() * (longestMs + 1))
}
