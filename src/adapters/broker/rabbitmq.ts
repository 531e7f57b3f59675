import {
  type Broker,
  BrokerRefused,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type ExchangeDeclaration,
  type OutgoingMessage,
  type PublishOptions,
  type QueueCount,
  type QueueDeclaration,
} from '#src/ports/broker.ts'
import { RabbitmqCalls } from './rabbitmq-calls.ts'
import { RabbitmqConsumer } from './rabbitmq-consumer.ts'
import { RabbitmqLink, type RabbitmqLinkOptions } from './rabbitmq-link.ts'
import { wireArguments } from './rabbitmq-message.ts'
import { RabbitmqPublisher } from './rabbitmq-publisher.ts'

/** How long a close waits for confirms of what was published. */
const CONFIRM_LIMIT_MS = 5_000
/** RabbitMQ ends a channel's life with an answer; without one the connection is ended all the same. */
const CHANNELS_LIMIT_MS = 2_000

const NOT_FOUND = 404
const DECLARED_OTHERWISE = 406
const NOT_IMPLEMENTED = 540

/**
 * A connection to RabbitMQ, made in the background. One that publishes much and one that consumes should be two:
 * a server short of memory stops reading from publishers, and with that reads none of their acks either.
 */
export function rabbitmqBroker(options: RabbitmqLinkOptions): Broker {
  return new RabbitmqBroker(options)
}

class RabbitmqBroker implements Broker {
  readonly #options: RabbitmqLinkOptions
  readonly #link: RabbitmqLink
  readonly #calls: RabbitmqCalls
  readonly #publisher: RabbitmqPublisher
  readonly #consumers = new Set<RabbitmqConsumer>()
  #closed: Promise<void> | undefined

  constructor(options: RabbitmqLinkOptions) {
    this.#options = options
    this.#link = new RabbitmqLink(options)
    this.#calls = new RabbitmqCalls(this.#link)
    this.#publisher = new RabbitmqPublisher(this.#link, options.log)
  }

  get isConnected(): boolean {
    return this.#link.isConnected
  }

  connected(signal?: AbortSignal): Promise<void> {
    return this.#link.connected(signal)
  }

  async declareExchange({ name, type, durable = true, autoDelete = false }: ExchangeDeclaration): Promise<void> {
    await this.#calls.run((channel) => channel.assertExchange(name, type, { durable, autoDelete }))
  }

  async declareQueue(queue: QueueDeclaration): Promise<QueueCount> {
    const { name, durable = true, exclusive = false, autoDelete = false } = queue
    if (!durable && !exclusive) return this.#refuseTransient(name)
    const options = { durable, exclusive, autoDelete, arguments: wireArguments(queue.arguments ?? {}) }
    const { messageCount, consumerCount } = await this.#calls.run((channel) => channel.assertQueue(name, options))
    return { messages: messageCount, consumers: consumerCount }
  }

  async bindQueue(queue: string, exchange: string, routingKey: string): Promise<void> {
    await this.#calls.run((channel) => channel.bindQueue(queue, exchange, routingKey))
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#calls.run((channel) => channel.deleteQueue(queue))
  }

  async countQueue(queue: string): Promise<QueueCount> {
    const { messageCount, consumerCount } = await this.#calls.run((channel) => channel.checkQueue(queue))
    return { messages: messageCount, consumers: consumerCount }
  }

  publish(message: OutgoingMessage, options: PublishOptions = {}): Promise<void> {
    return this.#publisher.publish(message, options)
  }

  async consume(queue: string, options: ConsumeOptions, onMessage: (delivery: Delivery) => void): Promise<Consumer> {
    const { log } = this.#options
    const consumer = await RabbitmqConsumer.start(this.#link.model, { ...options, queue, onMessage, log })
    this.#consumers.add(consumer)
    void consumer.gone.then(() => this.#consumers.delete(consumer))
    return consumer
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** RabbitMQ 3 still takes such queues, and 4.3 ends the whole connection of who declares one: better known today. */
  async #refuseTransient(name: string): Promise<never> {
    const isThere = await this.countQueue(name).then(
      () => true,
      (error: unknown) => {
        if (error instanceof BrokerRefused && error.code === NOT_FOUND) return false
        throw error
      },
    )
    if (isThere) throw new BrokerRefused(DECLARED_OTHERWISE, `queue ${name} is there, and durable or exclusive`)
    throw new BrokerRefused(NOT_IMPLEMENTED, `queue ${name} would be neither durable nor exclusive`)
  }

  /** Channel by channel before the connection, which would drop what they have not sent yet. */
  async #close(): Promise<void> {
    this.#link.refuse()
    await this.#atMost(CONFIRM_LIMIT_MS, this.#publisher.idle())
    const consumers = [...this.#consumers].map((consumer) => consumer.lose())
    await this.#atMost(CHANNELS_LIMIT_MS, Promise.all([...consumers, this.#publisher.close(), this.#calls.close()]))
    await this.#link.close()
  }

  async #atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#options.timers.after(limitMs, resolve)
    await Promise.race([work, promise])
    stopTimer()
  }
}
