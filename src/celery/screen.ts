import type { Logger } from '#src/core/logger.ts'
import type { PreparedRequest } from './execution.ts'
import type { Observers } from './observer.ts'
import { WorkerShutdown } from './outcome.ts'

export interface ScreenOptions {
  /**
   * Asked before each start of a task with late ack: has it ended too many workers already? Then it goes to the dead
   * letters. `redelivered` only says that the message was with someone who did not settle it, which a lost connection
   * or a stop does too, so the answer should come from starts that were noted and never ended. One that throws lets
   * the task run.
   *
   * @default never
   */
  readonly isPoison?: (taskId: string, redelivered: boolean) => Promise<boolean>
  /** Asked of a redelivered task with late ack: did it succeed before, and only its ack was lost? Then it is skipped. @default never */
  readonly isDone?: (taskId: string) => Promise<boolean>
}

/** Keeps away what must not run again. */
export class Screen {
  readonly #options: ScreenOptions
  readonly #observers: Observers
  readonly #log: Logger

  constructor(options: ScreenOptions, observers: Observers, log: Logger) {
    this.#options = options
    this.#observers = observers
    this.#log = log
  }

  /** True when the task must not run, and its message is settled with that. Never throws. */
  async stops(request: PreparedRequest): Promise<boolean> {
    if (!request.task.acksLate) return false
    const { isPoison, isDone } = this.#options
    const { id, task } = request.message.envelope
    const { redelivered } = request.delivery
    if (redelivered && (await this.#answer(isDone?.(id)))) {
      this.#log.info({ task, taskId: id }, 'the task has succeeded before: it is not run again')
      request.delivery.ack()
      return true
    }
    if (!(await this.#answer(isPoison?.(id, redelivered)))) return false
    this.#log.error({ task, taskId: id }, 'the task has ended too many workers: it goes to the dead letters')
    await this.#observers.failed(request, new WorkerShutdown('the task has ended every worker that ran it'))
    request.delivery.reject({ requeue: false })
    return true
  }

  async #answer(question: Promise<boolean> | undefined): Promise<boolean> {
    try {
      return (await question) ?? false
    } catch (error) {
      this.#log.warn({ err: error }, 'nobody can say whether the task may run: it runs')
      return false
    }
  }
}
