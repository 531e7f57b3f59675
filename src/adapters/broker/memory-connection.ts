import {
  type Broker,
  BrokerRefused,
  BrokerUnavailable,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type ExchangeDeclaration,
  type OutgoingMessage,
  type PublishOptions,
  type QueueCount,
  type QueueDeclaration,
} from '#src/ports/broker.ts'
import { checkLimits } from './message-limits.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import type { MemoryTopology } from './memory-topology.ts'

export class MemoryConnection implements Broker {
  readonly #topology: MemoryTopology
  readonly #consumers = new Set<MemoryConsumer>()
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  #state: 'connected' | 'lost' | 'closed' = 'connected'

  constructor(topology: MemoryTopology) {
    this.#topology = topology
  }

  get isConnected(): boolean {
    return this.#state === 'connected'
  }

  async connected(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#state === 'connected') return
    if (this.#state === 'closed') throw new BrokerUnavailable('the connection was closed')
    const waiting = Promise.withResolvers<void>()
    const abort = (): void => waiting.reject(signal?.reason)
    this.#waiting.add(waiting)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await waiting.promise
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#waiting.delete(waiting)
    }
  }

  async declareExchange(exchange: ExchangeDeclaration): Promise<void> {
    await this.#answer()
    this.#topology.declareExchange({ ...exchange })
  }

  async declareQueue(queue: QueueDeclaration): Promise<QueueCount> {
    await this.#answer()
    const { messages, consumers } = this.#topology.declareQueue(structuredClone(queue), this)
    return { messages, consumers }
  }

  async bindQueue(queue: string, exchange: string, routingKey: string): Promise<void> {
    await this.#answer()
    this.#topology.queue(queue, this)
    this.#topology.bindQueue(queue, exchange, routingKey)
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#answer()
    this.#topology.deleteQueue(queue)
  }

  async countQueue(queue: string): Promise<QueueCount> {
    await this.#answer()
    const { messages, consumers } = this.#topology.queue(queue, this)
    return { messages, consumers }
  }

  async publish(message: OutgoingMessage, options: PublishOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#needConnection()
    checkLimits(message)
    const { exchange, routingKey, properties, headers, body } = message
    const owned = {
      exchange,
      routingKey,
      properties: { ...properties },
      headers: { ...headers },
      body: Buffer.from(body),
    }
    const wasTaken = this.#topology.route(owned)
    if (!wasTaken && options.mandatory === true) throw new BrokerRefused(312, `no queue takes ${routingKey}`)
  }

  async consume(queue: string, options: ConsumeOptions, onMessage: (delivery: Delivery) => void): Promise<Consumer> {
    await this.#answer()
    const consumer = new MemoryConsumer(this.#topology.queue(queue, this), options, onMessage)
    this.#consumers.add(consumer)
    return consumer
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end('closed')
    for (const waiting of this.#waiting) waiting.reject(new BrokerUnavailable('the connection was closed'))
    return Promise.resolve()
  }

  /** For tests: as when the cable is pulled. It stays so until `restoreConnection`. */
  dropConnection(): void {
    if (this.#state === 'connected') this.#end('lost')
  }

  restoreConnection(): void {
    if (this.#state !== 'lost') return
    this.#state = 'connected'
    for (const waiting of this.#waiting) waiting.resolve()
  }

  #end(state: 'lost' | 'closed'): void {
    this.#state = state
    for (const consumer of this.#consumers) consumer.lose()
    this.#consumers.clear()
    this.#topology.deleteQueuesHeldBy(this)
  }

  /** A broker answers later, never within the call: code that relies on it would break on a socket. */
  async #answer(): Promise<void> {
    this.#needConnection()
    await Promise.resolve()
    this.#needConnection()
  }

  #needConnection(): void {
    if (this.#state !== 'connected') throw new BrokerUnavailable(`the connection is ${this.#state}`)
  }
}
