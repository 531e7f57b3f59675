import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Broker } from '#src/ports/broker.ts'
import type { Headers } from '#src/ports/message-headers.ts'
import type { Clock } from '#src/core/clock.ts'
import { jsonBody, newEnvelope } from './message.ts'
import { type OnSent, TaskPublisher } from './task-publisher.ts'

/** A task to be sent. */
export interface SendTask {
  /** The registered name. */
  readonly task: string
  readonly queue: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** @default a new random UUID. A stable one makes a repeated send recognisable. */
  readonly id?: string
  /** Not before. */
  readonly eta?: Date
  /** Not after: then it is dropped unrun. */
  readonly expires?: Date
  /** @default 0 */
  readonly retries?: number
  /** 0 to 255; has an effect only in queues declared with priorities. @default 0 */
  readonly priority?: number
  readonly hardLimitSeconds?: number
  readonly softLimitSeconds?: number
  readonly ignoreResult?: boolean
  /** The task that sends this one, and the first of them all. */
  readonly parent?: { readonly taskId: string; readonly rootId: string }
  readonly headers?: Headers
  readonly replyTo?: string
}

export interface CeleryClientOptions {
  readonly broker: Broker
  readonly clock: Clock
  /** Who sends, for people's eyes. @default gen<pid>@<host> */
  readonly origin?: string
  /** Hears of each task that was sent; `taskSentEvents` tells Flower. */
  readonly onSent?: OnSent
}

/** Sends tasks so that any Celery worker takes them. Calls may run at once: the broker port bounds how many are unconfirmed. */
export class CeleryClient {
  readonly #publisher: TaskPublisher
  readonly #origin: string

  constructor(options: CeleryClientOptions) {
    this.#publisher = new TaskPublisher(options.broker, { now: options.clock }, options.onSent)
    this.#origin = options.origin ?? `gen${process.pid}@${hostname()}`
  }

  /**
   * Resolves with the task's id when the broker has the message.
   *
   * @throws BrokerUnavailable, after which the task may have been taken all the same: send it again with the same id
   * @throws BrokerRefused when the queue is there and declared otherwise
   * @throws JsonUnwritable when an argument cannot be sent
   * @throws the signal's reason, after which the task may have been taken too
   */
  async sendTask(send: SendTask, options: { signal?: AbortSignal } = {}): Promise<string> {
    const { id = randomUUID(), queue, args = [], kwargs = {} } = send
    const envelope = newEnvelope({
      task: send.task,
      id,
      origin: this.#origin,
      args,
      kwargs,
      eta: send.eta?.getTime() ?? null,
      expires: send.expires?.getTime() ?? null,
      retries: send.retries ?? 0,
      priority: send.priority ?? 0,
      hardLimitSeconds: send.hardLimitSeconds ?? null,
      softLimitSeconds: send.softLimitSeconds ?? null,
      ignoreResult: send.ignoreResult ?? false,
      parentId: send.parent?.taskId ?? null,
      rootId: send.parent?.rootId ?? id,
      customHeaders: send.headers ?? {},
      replyTo: send.replyTo ?? '',
    })
    await this.#publisher.publish({ queue }, envelope, jsonBody(args, kwargs), options)
    return id
  }
}
