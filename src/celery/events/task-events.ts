import type { RevokeReason, TaskObserver, TaskRequest } from '../observer.ts'
import { NotRegistered } from '../outcome.ts'
import { describeException, exceptionRepr } from '../python-exception.ts'
import { argsRepr, pythonRepr } from '../python-repr.ts'
import { formatPythonTime } from '../python-time.ts'
import type { EventDispatcher } from './event-dispatcher.ts'

/** Tells every step of every task as events, as long as someone wants them. Never keeps the worker waiting. */
export class TaskEvents implements TaskObserver {
  readonly #dispatcher: EventDispatcher
  #isEnabled: boolean

  constructor(dispatcher: EventDispatcher, isEnabled: boolean) {
    this.#dispatcher = dispatcher
    this.#isEnabled = isEnabled
  }

  get isEnabled(): boolean {
    return this.#isEnabled
  }

  /** At run time, by `celery control enable_events` or Flower. True when it was not so before. */
  enable(isEnabled: boolean): boolean {
    const hasChanged = isEnabled !== this.#isEnabled
    this.#isEnabled = isEnabled
    return hasChanged
  }

  received({ message: { envelope, args, kwargs } }: TaskRequest): void {
    this.#send('task-received', {
      uuid: envelope.id,
      name: envelope.shadow ?? envelope.task,
      args: envelope.argsrepr === '' ? argsRepr(args) : envelope.argsrepr,
      kwargs: envelope.kwargsrepr === '' ? pythonRepr(kwargs) : envelope.kwargsrepr,
      root_id: envelope.rootId,
      parent_id: envelope.parentId,
      retries: envelope.retries,
      eta: envelope.eta === null ? null : formatPythonTime(envelope.eta),
      expires: envelope.expires === null ? null : formatPythonTime(envelope.expires),
    })
  }

  started(request: TaskRequest): void {
    this.#send('task-started', { uuid: idOf(request) })
  }

  succeeded(request: TaskRequest, result: unknown, runtimeMs: number): void {
    this.#send('task-succeeded', { uuid: idOf(request), result: pythonRepr(result), runtime: runtimeMs / 1000 })
  }

  failed(request: TaskRequest, error: unknown): void {
    const described = describeException(error)
    const exception = exceptionRepr(described)
    // Of a task that is not registered Celery says no more than this.
    const traceback = error instanceof NotRegistered ? {} : { traceback: described.traceback }
    this.#send('task-failed', { uuid: idOf(request), exception, ...traceback })
  }

  retried(request: TaskRequest, error: unknown): void {
    const described = describeException(error)
    const exception = exceptionRepr(described)
    this.#send('task-retried', { uuid: idOf(request), exception, traceback: described.traceback })
  }

  revoked(request: TaskRequest, reason: RevokeReason, signum?: number): void {
    this.#send('task-revoked', {
      uuid: idOf(request),
      terminated: reason === 'terminated',
      signum: signum ?? null,
      expired: reason === 'expired',
    })
  }

  rejected(request: TaskRequest, requeue: boolean): void {
    this.#send('task-rejected', { uuid: idOf(request), requeue })
  }

  #send(type: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#isEnabled) this.#dispatcher.send(type, fields)
  }
}

function idOf(request: TaskRequest): string {
  return request.message.envelope.id
}
