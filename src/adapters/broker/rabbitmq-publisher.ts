import type { Channel, ChannelModel, ConfirmChannel, Message } from 'amqplib'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '#src/core/logger.ts'
import { BrokerRefused, type OutgoingMessage, type PublishOptions } from '#src/ports/broker.ts'
import { headersAsReceived } from '#src/ports/message-headers.ts'
import { checkLimits } from './message-limits.ts'
import { closeChannel } from './rabbitmq-channel.ts'
import { brokerFailure } from './rabbitmq-failure.ts'
import type { RabbitmqLink } from './rabbitmq-link.ts'
import { receivedTable, wireProperties } from './rabbitmq-message.ts'
import { Window } from './rabbitmq-window.ts'

/** Enough to hide the broker's write to the disk, and little enough to be held in memory. */
const MOST_UNCONFIRMED = 1000
/** An exchange to publish to that is not there */
const NO_ROUTE = 312

/** A mandatory message on its way: RabbitMQ says "returned" with the message itself, before it confirms it. */
interface Sent {
  readonly message: OutgoingMessage
  isReturned: boolean
}

/**
 * A channel per exchange: publishing to one that is not there closes the channel, and must not take along what goes to
 * others.
 */
interface Lane<C extends Channel> {
  readonly channel: C
  readonly mandatory: Set<Sent>
  /** Why RabbitMQ closed the channel. */
  refusal?: Error
}

export class RabbitmqPublisher {
  readonly #link: RabbitmqLink
  readonly #log: Logger
  readonly #window = new Window(MOST_UNCONFIRMED)
  readonly #confirming = new Map<string, Promise<Lane<ConfirmChannel>>>()
  readonly #plain = new Map<string, Promise<Lane<Channel>>>()

  constructor(link: RabbitmqLink, log: Logger) {
    this.#link = link
    this.#log = log
  }

  async publish(message: OutgoingMessage, options: PublishOptions): Promise<void> {
    const { mandatory = false, confirm = true, signal } = options
    signal?.throwIfAborted()
    const { model } = this.#link
    checkLimits(message)
    await this.#window.enter(signal)
    const sending = this.#send(model, message, mandatory, mandatory || confirm, signal)
    const left = sending.finally(() => this.#window.leave())
    await (signal === undefined ? left : orAborted(left, signal))
  }

  /** Resolves when nothing is on its way any more. */
  idle(): Promise<void> {
    return this.#window.idle()
  }

  /** What was handed over goes out before. */
  async close(): Promise<void> {
    const lanes = await Promise.allSettled([...this.#confirming.values(), ...this.#plain.values()])
    const open = lanes.filter((lane) => lane.status === 'fulfilled')
    await Promise.all(open.map((lane) => closeChannel(lane.value.channel)))
  }

  async #send(
    model: ChannelModel,
    message: OutgoingMessage,
    mandatory: boolean,
    confirm: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const { exchange } = message
    const { blocked } = this.#link
    if (blocked !== undefined) await orAborted(blocked, signal)
    try {
      if (confirm) {
        const lane = await this.#lane(this.#confirming, exchange, () => model.createConfirmChannel())
        await sendConfirmed(lane, message, mandatory)
      } else {
        const lane = await this.#lane(this.#plain, exchange, () => model.createChannel())
        await handOver(lane, message)
      }
    } catch (error) {
      throw brokerFailure(error)
    }
  }

  #lane<C extends Channel>(
    lanes: Map<string, Promise<Lane<C>>>,
    exchange: string,
    open: () => Promise<C>,
  ): Promise<Lane<C>> {
    const there = lanes.get(exchange)
    if (there !== undefined) return there
    const lane = this.#openLane(exchange, open, () => lanes.delete(exchange))
    lanes.set(exchange, lane)
    lane.catch(() => lanes.delete(exchange))
    return lane
  }

  async #openLane<C extends Channel>(exchange: string, open: () => Promise<C>, forget: () => void): Promise<Lane<C>> {
    const channel = await open()
    const lane: Lane<C> = { channel, mandatory: new Set() }
    channel.on('error', (error) => {
      lane.refusal = error
      this.#log.warn({ exchange, reason: error.message }, 'RabbitMQ refuses to publish')
    })
    // Before the library's own listener tells the callbacks: the next call opens a new one.
    channel.prependListener('close', forget)
    channel.on('return', (returned) => markReturned(lane.mandatory, returned))
    channel.on('handler-error', (error) => this.#log.error({ err: error, exchange }, 'a listener failed'))
    return lane
  }
}

function sendConfirmed(lane: Lane<ConfirmChannel>, message: OutgoingMessage, mandatory: boolean): Promise<void> {
  const { channel } = lane
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sent: Sent = { message, isReturned: false }
  const properties = { ...wireProperties(message), mandatory }
  channel.publish(message.exchange, message.routingKey, message.body, properties, (error: unknown) => {
    lane.mandatory.delete(sent)
    if (sent.isReturned) reject(new BrokerRefused(NO_ROUTE, `no queue takes ${message.routingKey}`))
    else if (error === null) resolve()
    else if (lane.refusal !== undefined) reject(brokerFailure(lane.refusal))
    else if (isNack(error)) reject(new BrokerRefused(0, 'RabbitMQ did not take the message over', { cause: error }))
    else reject(brokerFailure(error))
  })
  if (mandatory) lane.mandatory.add(sent)
  return promise
}

/** The library says so by its text alone. */
function isNack(error: unknown): boolean {
  return error instanceof Error && error.message === 'message nacked'
}

/** The buffer that takes it is unbounded: when it is full, the caller waits instead. */
async function handOver({ channel }: Lane<Channel>, message: OutgoingMessage): Promise<void> {
  if (channel.publish(message.exchange, message.routingKey, message.body, wireProperties(message))) return
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const event of ['drain', 'close']) channel.once(event, resolve)
  await promise
  for (const event of ['drain', 'close']) channel.off(event, resolve)
}

/** The first of those that are alike: returns come in the order of sending, and messages alike in all are interchangeable. */
function markReturned(candidates: ReadonlySet<Sent>, returned: Message): void {
  const headers = receivedTable((returned.properties.headers ?? {}) as Parameters<typeof receivedTable>[0])
  const sent = candidates
    .values()
    .find(
      ({ message, isReturned }) =>
        !isReturned &&
        message.exchange === returned.fields.exchange &&
        message.routingKey === returned.fields.routingKey &&
        message.properties.correlationId === returned.properties.correlationId &&
        message.body.equals(returned.content) &&
        isDeepStrictEqual(headersAsReceived(message.headers), headers),
    )
  if (sent !== undefined) sent.isReturned = true
}

/** The wait ends with the signal; what was waited for goes on. */
async function orAborted(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return work
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
