import type { Channel } from 'amqplib'
import { BrokerRefused } from '#src/ports/broker.ts'
import { closeChannel } from './rabbitmq-channel.ts'
import { brokerFailure, codeAndMessage } from './rabbitmq-failure.ts'
import type { RabbitmqLink } from './rabbitmq-link.ts'

/**
 * Declarations and questions, one after the other on a channel of their own: RabbitMQ's no closes the channel, and
 * with one call at a time it hits that call alone.
 */
export class RabbitmqCalls {
  readonly #link: RabbitmqLink
  #channel: Channel | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(link: RabbitmqLink) {
    this.#link = link
  }

  /** @throws BrokerRefused, BrokerUnavailable */
  run<T>(call: (channel: Channel) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#runNow(call))
    this.#last = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    await this.#last
    if (this.#channel !== undefined) await closeChannel(this.#channel)
  }

  async #runNow<T>(call: (channel: Channel) => Promise<T>): Promise<T> {
    const { model } = this.#link
    try {
      this.#channel ??= await this.#open(model)
      return await call(this.#channel)
    } catch (error) {
      // Some refusals (503 for a type it does not know, 541 for a queue it no longer offers) end the whole connection.
      const ended = this.#link.endedBecause
      const { code, message } = codeAndMessage(ended)
      if (typeof code === 'number') throw new BrokerRefused(code, message, { cause: ended })
      throw brokerFailure(error)
    }
  }

  async #open(model: RabbitmqLink['model']): Promise<Channel> {
    const channel = await model.createChannel()
    channel.on('error', () => {})
    channel.once('close', () => {
      if (this.#channel === channel) this.#channel = undefined
    })
    return channel
  }
}
