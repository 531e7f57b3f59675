import type { Headers, ReceivedHeaders } from '#src/ports/message-headers.ts'

/**
 * One client's connection to a message broker: AMQP 0-9-1's model in small. The adapter reconnects by itself, but
 * nothing else survives a lost connection: consumers end, their unsettled messages go back to their queues, exclusive
 * queues are gone. Whoever consumed waits for `connected`, declares again and consumes again.
 *
 * Every method throws `BrokerUnavailable` without a connection and `BrokerRefused` when the broker says no.
 */
export interface Broker extends AsyncDisposable {
  readonly isConnected: boolean
  /** Resolves at once while connected, else when the connection is back. Rejects when the broker was closed or `signal` aborts. */
  connected(signal?: AbortSignal): Promise<void>

  /** Does nothing when it is there and equal; refused (406) when it is there and different. */
  declareExchange(exchange: ExchangeDeclaration): Promise<void>
  /** As for exchanges; refused (405) when another connection holds it as exclusive. */
  declareQueue(queue: QueueDeclaration): Promise<QueueCount>
  /** Refused (404) when the queue or exchange is not there. Binding twice is the same as once. */
  bindQueue(queue: string, exchange: string, routingKey: string): Promise<void>
  /** Deletes it with its messages; nothing when it is not there. */
  deleteQueue(queue: string): Promise<void>
  /** What waits there, refused (404) when it is not there. */
  countQueue(queue: string): Promise<QueueCount>

  /**
   * Resolves when the broker has taken the message over: for a persistent message in a durable queue, when it would
   * survive the broker's restart. The adapter bounds how many are unconfirmed; a call beyond waits its turn.
   * When the connection is lost before the confirm it rejects, and the message may have arrived all the same.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<void>

  /** Starts to deliver. `onMessage` must not throw. */
  consume(queue: string, options: ConsumeOptions, onMessage: (delivery: Delivery) => void): Promise<Consumer>
}

export interface ExchangeDeclaration {
  readonly name: string
  readonly type: 'direct' | 'topic' | 'fanout'
  /** @default true */
  readonly durable?: boolean
  /** Deleted when its last binding goes. @default false */
  readonly autoDelete?: boolean
}

export interface QueueDeclaration {
  readonly name: string
  /** @default true */
  readonly durable?: boolean
  /** Of this connection alone, and deleted with it. @default false */
  readonly exclusive?: boolean
  /** Deleted when its last consumer goes. @default false */
  readonly autoDelete?: boolean
  /** The broker's own names, such as `x-message-ttl` (ms), `x-expires` (ms), `x-dead-letter-exchange`. Redeclaring with others is refused (406). */
  readonly arguments?: Readonly<Record<string, string | number | boolean>>
}

export interface QueueCount {
  /** Ready to be delivered; those delivered and not settled do not count. */
  readonly messages: number
  readonly consumers: number
}

/** The properties that Celery uses, under AMQP's names in camel case. Texts are at most 255 bytes. */
export interface MessageProperties {
  readonly contentType?: string
  readonly contentEncoding?: string
  /** 2 survives a restart of the broker, in a durable queue. */
  readonly deliveryMode?: 1 | 2
  readonly correlationId?: string
  readonly replyTo?: string
  /** 0 to 255. */
  readonly priority?: number
  /** Milliseconds as decimal digits. A message that waited longer is not delivered; one that was delivered does not expire. */
  readonly expiration?: string
}

export interface OutgoingMessage {
  /** `''` is the default exchange: the routing key is the queue's name. */
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly headers: Headers
  readonly body: Buffer
}

export interface PublishOptions {
  /** Refused (312) when no queue takes the message; otherwise such a message is dropped silently. @default false */
  readonly mandatory?: boolean
  /** False: resolves when the message was handed to the connection, and it may be lost. @default true */
  readonly confirm?: boolean
  /** Ends the wait (a broker short of memory takes nothing for as long as that lasts); the message may arrive all the same. */
  readonly signal?: AbortSignal
}

export interface ConsumeOptions {
  /** How many deliveries may be unsettled at a time; 0 is without bound. */
  readonly prefetch: number
  /** Messages count as settled when sent: what is lost on the way stays lost. @default false */
  readonly noAck?: boolean
}

/** Several consumers of one queue are served in turn. */
export interface Consumer {
  /** Resolves with the reason once no more deliveries will come. */
  readonly ended: Promise<ConsumerEnd>
  /** From now on about so many deliveries may be unsettled (a change may exceed it for a moment). Without effect once it has ended. */
  setPrefetch(prefetch: number): Promise<void>
  /** No more deliveries; those that are out can still be settled. */
  stop(): Promise<void>
  /** `stop`, and what is unsettled goes back to its place in the queue, marked as redelivered. */
  close(): Promise<void>
}

/** `stopped` by us; `lost` with the connection; `cancelled` by the broker, as when the queue was deleted. */
export type ConsumerEnd = 'stopped' | 'lost' | 'cancelled'

/** One message, to be settled once: by `ack` or by `reject`. */
export interface Delivery {
  readonly exchange: string
  readonly routingKey: string
  /** It was delivered before, to someone who did not settle it: it may have been worked on. */
  readonly redelivered: boolean
  readonly properties: MessageProperties
  readonly headers: ReceivedHeaders
  readonly body: Buffer
  /**
   * The work is done and the queue can forget the message. False, without any effect, when the delivery has died with
   * its connection or consumer: the message will come again. @throws Error when it was settled before
   */
  ack(): boolean
  /** Back to its place in the queue, or else to the dead-letter exchange if the queue has one. Returns and throws as `ack`. */
  reject(options: { requeue: boolean }): boolean
}

/** There is no connection, or it was lost before the answer came: whether the broker acted is unknown. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable'
}

/** The broker's no. `code` is AMQP's: 312 no route, 404 not found, 405 locked, 406 declared otherwise, 540 not implemented; 0 a message not confirmed. */
export class BrokerRefused extends Error {
  override readonly name = 'BrokerRefused'
  readonly code: number

  constructor(code: number, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
