import type { Logger } from '#src/core/logger.ts'
import type { ResultStore } from '#src/ports/result-store.ts'
import type { Timers } from '#src/core/timers.ts'
import type { TaskRequest } from '../observer.ts'
import { describeException } from '../python-exception.ts'
import { isWritable } from '../python-json.ts'
import { argsRepr } from '../python-repr.ts'
import { PatientResults } from './patient-results.ts'
import {
  decodeResult,
  encodeResult,
  exceptionResult,
  isFinal,
  isSuccessText,
  type ResultRecord,
  type ResultState,
} from './result-text.ts'

export interface ResultKeeperOptions {
  readonly results: ResultStore
  /** The worker's node name. */
  readonly node: string
  readonly timers: Timers
  readonly log: Logger
  /** Store STARTED too, a write more for every task. @default false */
  readonly trackStarted?: boolean
  /** Store the call beside its result, as `result_extended` does. @default false */
  readonly extended?: boolean
  /** @default false */
  readonly storeErrorsEvenIfIgnored?: boolean
}

/** Writes outcomes as Celery does. Never throws: a store that is away costs the result, not the task. */
export class ResultKeeper {
  readonly #options: ResultKeeperOptions
  readonly #patient: PatientResults

  constructor(options: ResultKeeperOptions) {
    this.#options = options
    this.#patient = new PatientResults(options.timers, options.log)
  }

  /** How many writes and reads the store did not answer. */
  get unanswered(): number {
    return this.#patient.unanswered
  }

  async started(request: TaskRequest): Promise<void> {
    if (this.#options.trackStarted !== true || isIgnored(request)) return
    await this.#write(request, 'STARTED', { pid: process.pid, hostname: this.#options.node })
  }

  async succeeded(request: TaskRequest, result: unknown): Promise<void> {
    if (!isIgnored(request)) await this.#write(request, 'SUCCESS', result)
  }

  /** FAILURE, RETRY and REVOKED: an error and where it came from. */
  async ended(request: TaskRequest, status: 'FAILURE' | 'RETRY' | 'REVOKED', error: unknown): Promise<void> {
    const isKept = status === 'FAILURE' && this.#options.storeErrorsEvenIfIgnored === true
    if (isIgnored(request) && !isKept) return
    await this.#write(request, status, exceptionResult(error), describeException(error).traceback)
  }

  /** A state of the task's own. */
  async stateUpdated(request: TaskRequest, state: string, meta: unknown): Promise<void> {
    if (!isIgnored(request)) await this.#write(request, state, meta)
  }

  /** For a task that is not here: one further down a chain, a chord's body, one revoked by its id. */
  async endedElsewhere(
    taskId: string,
    status: 'FAILURE' | 'REVOKED',
    error: unknown,
    traceback?: string,
  ): Promise<void> {
    await this.#store({
      taskId,
      status,
      result: exceptionResult(error),
      traceback: traceback ?? describeException(error).traceback,
      children: [],
      doneAt: this.#options.timers.now(),
      groupId: null,
      parentId: null,
    })
  }

  /** True only when the store says so. */
  async isDone(taskId: string): Promise<boolean> {
    const text = await this.ask((results) => results.read(taskId))
    return text !== undefined && decodeResult(text)?.status === 'SUCCESS'
  }

  /** Undefined when the store does not answer soon. */
  async ask<T>(question: (results: ResultStore) => Promise<T>): Promise<T | undefined> {
    return await this.#patient.ask(() => question(this.#options.results))
  }

  async #write(request: TaskRequest, status: ResultState, result: unknown, traceback: string | null = null) {
    const { envelope, args, kwargs } = request.message
    const { node, timers, extended } = this.#options
    await this.#store({
      taskId: envelope.id,
      status,
      result,
      traceback,
      children: request.children,
      doneAt: isFinal(status) ? timers.now() : null,
      groupId: envelope.group,
      parentId: envelope.parentId,
      ...(extended === true && {
        extended: {
          name: envelope.task,
          args: isWritable(args) ? args : [argsRepr(args)],
          kwargs: isWritable(kwargs) ? kwargs : {},
          worker: node,
          retries: envelope.retries,
          queue: request.delivery.routingKey,
        },
      }),
    })
  }

  async #store(record: ResultRecord): Promise<void> {
    let text: string
    try {
      text = encodeResult(record)
    } catch (error) {
      this.#options.log.error({ err: error, taskId: record.taskId }, 'the result is no JSON and is not stored')
      return
    }
    await this.ask((results) => results.write(record.taskId, text, isSuccessText))
  }
}

function isIgnored(request: TaskRequest): boolean {
  return request.message.envelope.ignoreResult || request.ignoresResult
}
