import { type Broker, BrokerRefused } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { encodeTaskMessage, type TaskBody, type TaskEnvelope } from './message.ts'
import { declareTaskQueue } from './task-queues.ts'

const NO_ROUTE = 312

/** A queue by its name, which is declared before the first use; or an exchange, which someone else has declared. */
export type Destination = { readonly queue: string } | { readonly exchange: string; readonly routingKey: string }

/** Called with each task that the broker has. */
export type OnSent = (envelope: TaskEnvelope, destination: Destination) => void

/** Publishes task messages, and sees to it that their queues are there. Calls may run at once. */
export class TaskPublisher {
  readonly #broker: Broker
  readonly #timers: Pick<Timers, 'now'>
  readonly #onSent: OnSent
  readonly #declared = new Map<string, Promise<void>>()

  constructor(broker: Broker, timers: Pick<Timers, 'now'>, onSent: OnSent = () => {}) {
    this.#broker = broker
    this.#timers = timers
    this.#onSent = onSent
  }

  /**
   * Resolves when the broker has the message.
   *
   * @throws BrokerUnavailable, after which the task may have been taken all the same
   * @throws BrokerRefused when the queue is there and declared otherwise
   */
  async publish(
    destination: Destination,
    envelope: TaskEnvelope,
    body: TaskBody,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const publishOptions = { mandatory: true, ...options }
    if (!('queue' in destination)) {
      await this.#broker.publish(encodeTaskMessage(destination, envelope, body, this.#timers.now()), publishOptions)
      return this.#onSent(envelope, destination)
    }
    const { queue } = destination
    const message = encodeTaskMessage({ exchange: '', routingKey: queue }, envelope, body, this.#timers.now())
    await this.#declare(queue)
    try {
      await this.#broker.publish(message, publishOptions)
    } catch (error) {
      if (!(error instanceof BrokerRefused) || error.code !== NO_ROUTE) throw error
      // Someone deleted the queue since.
      this.#declared.delete(queue)
      await this.#declare(queue)
      await this.#broker.publish(message, publishOptions)
    }
    this.#onSent(envelope, destination)
  }

  /** Once per queue, as Celery does; a declare that failed is tried again by the next send. */
  #declare(queue: string): Promise<void> {
    let declared = this.#declared.get(queue)
    if (declared === undefined) {
      declared = declareTaskQueue(this.#broker, queue)
      this.#declared.set(queue, declared)
      declared.catch(() => this.#declared.delete(queue))
    }
    return declared
  }
}
