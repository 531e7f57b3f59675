import type { ChannelModel, Channel, ConsumeMessage } from 'amqplib'
import type { Logger } from '#src/core/logger.ts'
import type { Consumer, ConsumerEnd, ConsumeOptions, Delivery } from '#src/ports/broker.ts'
import { closeChannel } from './rabbitmq-channel.ts'
import { brokerFailure, codeAndMessage } from './rabbitmq-failure.ts'
import { receivedMessage } from './rabbitmq-message.ts'

/** The largest count that the frame can hold; beyond it there is only "without bound", which is 0. */
const LARGEST_PREFETCH = 65_535

export interface RabbitmqConsumerOptions extends ConsumeOptions {
  readonly queue: string
  readonly onMessage: (delivery: Delivery) => void
  readonly log: Logger
}

/** A consumer on a channel of its own, so that its end, its prefetch and its unsettled messages touch nobody else's. */
export class RabbitmqConsumer implements Consumer {
  readonly ended: Promise<ConsumerEnd>
  readonly #end: (reason: ConsumerEnd) => void
  readonly #channel: Channel
  readonly #options: RabbitmqConsumerOptions
  /** The channel is gone. */
  readonly gone: Promise<unknown>
  #tag = ''
  /** What comes before `start` has told its caller. */
  #early: (ConsumeMessage | null)[] | undefined = []
  #hasEnded = false
  #leaving: Promise<void> | undefined
  /** Delivery tags are void: the channel is gone or about to go. */
  #isDead = false
  #wasRefused = false
  #last: Promise<void> = Promise.resolve()

  private constructor(channel: Channel, options: RabbitmqConsumerOptions) {
    const { promise, resolve } = Promise.withResolvers<ConsumerEnd>()
    this.ended = promise
    this.#end = (reason) => {
      this.#hasEnded = true
      resolve(reason)
    }
    this.#channel = channel
    this.#options = options
    channel.on('error', (error) => {
      this.#wasRefused = true
      // Once it is closing, no more than that its queue went with it.
      if (this.#tag !== '' && !this.#isDead)
        options.log.warn({ queue: options.queue, reason: error.message }, 'RabbitMQ ended a consumer')
    })
    this.gone = new Promise((wentAway) => channel.once('close', wentAway))
    channel.on('close', () => {
      this.#isDead = true
      this.#leaving ??= Promise.resolve()
      this.#end(this.#wasRefused ? 'cancelled' : 'lost')
    })
    channel.on('handler-error', (error) => options.log.error({ err: error, queue: options.queue }, 'a listener failed'))
  }

  /** @throws BrokerRefused, BrokerUnavailable */
  static async start(model: ChannelModel, options: RabbitmqConsumerOptions): Promise<RabbitmqConsumer> {
    try {
      const channel = await model.createChannel()
      const consumer = new RabbitmqConsumer(channel, options)
      try {
        await consumer.#subscribe(options.prefetch)
      } catch (error) {
        void closeChannel(channel)
        throw error
      }
      // Messages often come in one packet with the answer, before the caller holds the consumer that they belong to.
      setImmediate(() => consumer.#takeEarly())
      return consumer
    } catch (error) {
      throw brokerFailure(error)
    }
  }

  setPrefetch(prefetch: number): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#tag
      // The new one first: a queue that goes with its last consumer would go in between.
      await this.#subscribe(prefetch)
      await this.#channel.cancel(before)
    })
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#channel.cancel(this.#tag)
      this.#end('stopped')
    })
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#giveBack()
    await this.#leave('stopped')
  }

  /** The connection goes: as `close`, told as a loss. */
  async lose(): Promise<void> {
    await this.#leave('lost')
  }

  /** One change at a time, each from the tag that the last one left. Nothing fails that the consumer's end explains. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      if (this.#hasEnded) return
      try {
        await change()
      } catch (error) {
        if (!this.#isDead) throw brokerFailure(error)
      }
    })
    this.#last = done.catch(() => {})
    return done
  }

  /** Prefetch counts per consumer (never for the channel as a whole, which newer brokers refuse), and from the next one on. */
  async #subscribe(prefetch: number): Promise<void> {
    const { queue, noAck = false } = this.#options
    await this.#channel.prefetch(prefetch > LARGEST_PREFETCH ? 0 : prefetch, false)
    const { consumerTag } = await this.#channel.consume(queue, (message) => this.#take(message), { noAck })
    this.#tag = consumerTag
  }

  /** The end of the channel does that too, only some time after it: with this answer, who consumes next finds them there. */
  async #giveBack(): Promise<void> {
    if (this.#isDead) return
    this.#isDead = true
    try {
      this.#channel.nackAll(true)
      await this.#channel.checkQueue(this.#options.queue)
    } catch {
      // The queue went with its last consumer, or the connection with everything.
    }
  }

  async #leave(reason: ConsumerEnd): Promise<void> {
    this.#isDead = true
    this.#end(reason)
    this.#leaving ??= closeChannel(this.#channel)
    await this.#leaving
  }

  #takeEarly(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const message of early) this.#take(message)
  }

  #take(message: ConsumeMessage | null): void {
    if (this.#early !== undefined) return void this.#early.push(message)
    // The queue was deleted, or moved to another node: what it gave us is no longer ours.
    if (message === null) return void this.#leave('cancelled')
    if (this.#isDead) return
    try {
      this.#options.onMessage(this.#delivery(message))
    } catch (error) {
      this.#options.log.error({ err: error, queue: this.#options.queue }, 'a delivery was not taken in')
    }
  }

  #delivery(message: ConsumeMessage): Delivery {
    let isSettled = this.#options.noAck === true
    const settle = (how: () => void): boolean => {
      if (this.#isDead) return false
      if (isSettled) throw new Error('a delivery is settled once')
      isSettled = true
      try {
        how()
      } catch (error) {
        this.#options.log.warn({ reason: codeAndMessage(error).message }, 'a delivery could not be settled')
        return false
      }
      return true
    }
    return {
      ...receivedMessage(message),
      ack: () => settle(() => this.#channel.ack(message)),
      reject: ({ requeue }) => settle(() => this.#channel.reject(message, requeue)),
    }
  }
}
