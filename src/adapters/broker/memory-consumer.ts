import { type Consumer, type ConsumerEnd, type ConsumeOptions, type Delivery } from '#src/ports/broker.ts'
import { headersAsReceived } from '#src/ports/message-headers.ts'
import type { QueuedMessage } from './memory-backlog.ts'
import type { MemoryQueue, QueueReader } from './memory-queue.ts'

export class MemoryConsumer implements Consumer, QueueReader {
  readonly ended: Promise<ConsumerEnd>
  readonly #queue: MemoryQueue
  readonly #noAck: boolean
  readonly #onMessage: (delivery: Delivery) => void
  readonly #unsettled = new Set<QueuedMessage>()
  readonly #end: (reason: ConsumerEnd) => void
  #prefetch: number
  #isDead = false

  constructor(queue: MemoryQueue, options: ConsumeOptions, onMessage: (delivery: Delivery) => void) {
    const { promise, resolve } = Promise.withResolvers<ConsumerEnd>()
    this.ended = promise
    this.#end = resolve
    this.#queue = queue
    this.#noAck = options.noAck === true
    this.#prefetch = options.prefetch
    this.#onMessage = onMessage
    queue.addReader(this)
  }

  get hasRoom(): boolean {
    return this.#noAck || this.#prefetch === 0 || this.#unsettled.size < this.#prefetch
  }

  take(message: QueuedMessage): void {
    if (!this.#noAck) this.#unsettled.add(message)
    this.#onMessage(this.#delivery(message))
  }

  setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch
    this.#queue.pump()
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#queue.removeReader(this)
    this.#end('stopped')
    return Promise.resolve()
  }

  async close(): Promise<void> {
    await this.stop()
    this.#returnUnsettled()
  }

  cancel(): void {
    this.#end('cancelled')
  }

  /** The connection is gone: tags die, messages go back, and only then may the queue go with its last reader. */
  lose(): void {
    this.#end('lost')
    this.#returnUnsettled()
    this.#queue.removeReader(this)
  }

  #returnUnsettled(): void {
    this.#isDead = true
    this.#queue.giveBack([...this.#unsettled])
    this.#unsettled.clear()
  }

  /** Bytes and tables are copied, so that the two ends share no object, as over a socket. */
  #delivery(message: QueuedMessage): Delivery {
    return {
      exchange: message.exchange,
      routingKey: message.routingKey,
      redelivered: message.redelivered,
      properties: { ...message.properties },
      headers: headersAsReceived(message.headers),
      body: Buffer.from(message.body),
      ack: () => this.#settle(message, () => {}),
      reject: ({ requeue }) =>
        this.#settle(message, () => (requeue ? this.#queue.giveBack([message]) : this.#queue.discard(message))),
    }
  }

  #settle(message: QueuedMessage, how: () => void): boolean {
    if (this.#isDead) return false
    if (!this.#unsettled.delete(message)) throw new Error('a delivery is settled once')
    how()
    this.#queue.pump()
    return true
  }
}
