import type { Logger } from '#src/core/logger.ts'
import type { Broker, Consumer, ConsumerEnd, Delivery } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { declareTaskQueue } from './task-queues.ts'

/** The count of messages that AMQP can express. */
const LARGEST_PREFETCH = 65_535
/** Held messages widen the prefetch in steps of at least this, since on RabbitMQ each change is a new consumer. */
const SMALLEST_WIDENING = 8
const LONGEST_PAUSE_MS = 30_000

export interface QueueFeedOptions {
  readonly broker: Broker
  readonly queue: string
  /** Deliveries that may be with us besides those that are held for their eta. */
  readonly prefetch: number
  readonly timers: Timers
  readonly log: Logger
  readonly onMessage: (delivery: Delivery) => void
  /** Deliveries that came so far are dead and will come again: forget those that have not started. */
  readonly onLost: () => void
}

/**
 * Keeps one queue consumed. Its consumer may end at any time; then it waits for the connection, declares the queue
 * anew (it may be what was deleted) and consumes again, until it is closed.
 */
export class QueueFeed {
  readonly #options: QueueFeedOptions
  readonly #closing = new AbortController()
  #consumer: Consumer | undefined
  #loop: Promise<void> | undefined
  #widening = 0
  #prefetch: number

  constructor(options: QueueFeedOptions) {
    this.#options = options
    this.#prefetch = options.prefetch
  }

  /** Resolves when messages flow. @throws BrokerRefused when the queue is there and declared otherwise */
  async start(): Promise<void> {
    await this.#consume()
    this.#loop = this.#keepConsuming()
  }

  /** So many deliveries wait for their eta, unsettled; room is made for others beside them. */
  hold(count: number): void {
    const widening = wideningFor(count, this.#widening, LARGEST_PREFETCH - this.#prefetch)
    if (widening === this.#widening) return
    this.#widening = widening
    this.#applyPrefetch()
  }

  /** How many deliveries may be with us now. */
  get prefetch(): number {
    return this.#prefetch + this.#widening
  }

  /** As `QueueFeedOptions.prefetch`, from now on. */
  resize(prefetch: number): void {
    this.#prefetch = prefetch
    this.#applyPrefetch()
  }

  /** No more deliveries; those that are out can be settled until `close`. */
  async stop(): Promise<void> {
    this.#closing.abort(new Error('the worker stops'))
    await this.#consumer?.stop()
    await this.#loop
  }

  /** Returns to the queue what is unsettled. */
  async close(): Promise<void> {
    await this.stop()
    await this.#consumer?.close()
  }

  #applyPrefetch(): void {
    this.#consumer?.setPrefetch(this.prefetch).catch((error: unknown) => {
      this.#options.log.warn({ err: error, queue: this.#options.queue }, 'the prefetch could not be changed')
    })
  }

  async #keepConsuming(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted;) {
      const end = await this.#consumer?.ended
      if (this.#closing.signal.aborted || end === 'stopped') return
      if (end !== undefined) this.#lost(end)
      try {
        await this.#consume()
        failures = 0
      } catch (error) {
        if (this.#closing.signal.aborted) return
        failures += 1
        await this.#pause(error, failures)
      }
    }
  }

  #lost(end: ConsumerEnd): void {
    this.#consumer = undefined
    this.#options.log.warn({ queue: this.#options.queue, end }, 'no longer consuming')
    this.#options.onLost()
  }

  async #consume(): Promise<void> {
    const { broker, queue, onMessage } = this.#options
    await broker.connected(this.#closing.signal)
    await declareTaskQueue(broker, queue)
    const consumer = await broker.consume(queue, { prefetch: this.prefetch }, onMessage)
    this.#consumer = consumer
    if (this.#closing.signal.aborted) await consumer.stop()
    this.#options.log.info({ queue, prefetch: this.prefetch }, 'consuming')
  }

  async #pause(error: unknown, failures: number): Promise<void> {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures)
    this.#options.log.error({ err: error, queue: this.#options.queue, pauseMs }, 'the queue cannot be consumed')
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#options.timers.after(pauseMs, resolve)
    this.#closing.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    stopTimer()
  }
}

/** Powers of two from the smallest step; narrowed only when far too wide, so that a count near a step does not flap. */
export function wideningFor(held: number, current: number, largest: number): number {
  if (held <= current && held * 4 > current) return current
  if (held === 0) return 0
  return Math.min(largest, Math.max(SMALLEST_WIDENING, 2 ** Math.ceil(Math.log2(held))))
}
