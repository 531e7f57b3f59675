import type { Logger } from '#src/core/logger.ts'
import type { Broker, Consumer, Delivery } from '#src/ports/broker.ts'
import { headerNumber } from '#src/ports/message-headers.ts'
import type { Timers } from '#src/core/timers.ts'
import type { LamportClock } from '../lamport-clock.ts'
import { writePythonJson } from '../python-json.ts'
import {
  CONTROL_EXCHANGE,
  type ControlRequest,
  MAILBOX_ARGUMENTS,
  readControlRequest,
  REPLY_EXCHANGE,
} from './control-request.ts'

const LONGEST_PAUSE_MS = 10_000

export interface MailboxOptions {
  readonly broker: Broker
  readonly publisher: Broker
  readonly node: string
  readonly clock: LamportClock
  readonly timers: Timers
  readonly log: Logger
  /** Answers a request; undefined sends no answer at all. Must not throw. */
  readonly answer: (request: ControlRequest) => unknown
}

/**
 * Hears what `celery inspect`, `celery control` and Flower ask of this node, and answers in milliseconds. Ours is an
 * exclusive queue: newer brokers refuse what Celery itself declares. After a lost connection the broker may hold the
 * old one for a while (405), so this keeps trying.
 */
export class Mailbox {
  readonly #options: MailboxOptions
  readonly #closing = new AbortController()
  #consumer: Consumer | undefined
  #loop: Promise<void> | undefined

  constructor(options: MailboxOptions) {
    this.#options = options
  }

  /** Resolves when requests are heard, or when the first try failed: it goes on in the background. */
  async start(): Promise<void> {
    const isOpen = await this.#open(0)
    this.#loop = this.#keepOpen(isOpen ? 0 : 1)
  }

  async stop(): Promise<void> {
    this.#closing.abort(new Error('the worker stops'))
    await this.#consumer?.close()
    await this.#loop
  }

  async #keepOpen(failures: number): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#consumer?.ended
      this.#consumer = undefined
      if (failures > 0) await this.#pause(failures)
      if (this.#closing.signal.aborted) return
      failures = (await this.#open(failures)) ? 0 : failures + 1
    }
  }

  async #open(failures: number): Promise<boolean> {
    const { broker, node, log } = this.#options
    const queue = `${node}.celery.pidbox`
    try {
      await broker.connected(this.#closing.signal)
      await broker.declareExchange(CONTROL_EXCHANGE)
      await broker.declareExchange(REPLY_EXCHANGE)
      const flags = { durable: false, autoDelete: true, exclusive: true }
      await broker.declareQueue({ name: queue, ...flags, arguments: MAILBOX_ARGUMENTS })
      await broker.bindQueue(queue, CONTROL_EXCHANGE.name, '')
      const consumer = await broker.consume(queue, { prefetch: 0, noAck: true }, (delivery) => this.#receive(delivery))
      this.#consumer = consumer
      if (this.#closing.signal.aborted) await consumer.close()
      return true
    } catch (error) {
      const isExpected = this.#closing.signal.aborted || failures > 0
      if (!isExpected) log.warn({ err: error, queue }, 'remote control is not heard yet')
      return false
    }
  }

  #receive(delivery: Delivery): void {
    const { clock, node, answer, log } = this.#options
    clock.adjust(delivery.headers['clock'])
    let request: ControlRequest | undefined
    try {
      request = readControlRequest(delivery, node)
    } catch (error) {
      log.warn({ err: error }, 'a remote control message could not be read')
      return
    }
    if (request === undefined) return
    log.debug({ method: request.method }, 'remote control')
    void this.#answer(request, answer(request))
  }

  async #answer({ replyTo, ticket, method }: ControlRequest, answering: unknown): Promise<void> {
    const { publisher, node, clock, log } = this.#options
    const value = await answering
    if (replyTo === undefined || value === undefined) return
    try {
      await publisher.publish({
        ...replyTo,
        properties: { contentType: 'application/json', contentEncoding: 'utf-8', deliveryMode: 1, priority: 0 },
        headers: { ticket, clock: headerNumber(clock.forward()) },
        body: Buffer.from(writePythonJson({ [node]: value })),
      })
    } catch (error) {
      log.warn({ err: error, method }, 'remote control could not be answered')
    }
  }

  async #pause(failures: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#options.timers.after(Math.min(LONGEST_PAUSE_MS, 250 * 2 ** failures), resolve)
    this.#closing.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    stopTimer()
  }
}
