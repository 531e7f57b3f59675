import type { Logger } from '#src/core/logger.ts'
import type { BusListener, EventBus } from '#src/ports/event-bus.ts'
import { type RedisConnection, redisConnection } from '../redis/connection.ts'
import { Listeners } from './listeners.ts'

export interface RedisEventBusOptions {
  readonly url: string
  readonly log: Logger
}

/** An event bus over Redis's publish and subscribe, which keeps nothing for those who are away. */
export function redisEventBus(options: RedisEventBusOptions): EventBus {
  return new RedisEventBus(options)
}

/** Nobody waits longer for an event to be handed over. */
const PUBLISH_LIMIT_MS = 1_000

class RedisEventBus implements EventBus {
  readonly #options: RedisEventBusOptions
  readonly #publishing: RedisConnection
  /** A connection that listens can do nothing else; processes that only publish have none. */
  #listening: RedisConnection | undefined
  readonly #listeners: Listeners
  #isClosed = false

  constructor(options: RedisEventBusOptions) {
    this.#options = options
    this.#publishing = redisConnection({ ...options, name: 'events' })
    this.#listeners = new Listeners(options.log)
  }

  async publish(channel: string, payload: string): Promise<void> {
    try {
      await this.#publishing.ask((client) => client.publish(channel, payload), PUBLISH_LIMIT_MS)
    } catch (error) {
      this.#options.log.debug({ err: error, channel }, 'an event was not told')
    }
  }

  subscribe(channel: string, listener: BusListener): Disposable {
    const isFirst = this.#listeners.add(channel, listener)
    const { client } = (this.#listening ??= this.#listen())
    if (client.isReady) void this.#start(channel, isFirst ? undefined : listener)
    return {
      [Symbol.dispose]: () => {
        if (!this.#listeners.remove(channel, listener)) return
        // Without a connection there is nothing to end.
        client.unsubscribe(channel, this.#onMessage).catch(() => {})
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#listeners.clear()
    await this.#listening?.[Symbol.asyncDispose]()
    await this.#publishing[Symbol.asyncDispose]()
  }

  #listen(): RedisConnection {
    const connection = redisConnection({ ...this.#options, name: 'events-listen' })
    // The client subscribes anew by itself, but does not tell when; asking again is answered when it holds.
    connection.client.on('ready', () => {
      for (const channel of this.#listeners.channels) void this.#start(channel)
    })
    return connection
  }

  /** Subscribes where that is not done yet, and then tells `only` this listener, or all of the channel. */
  async #start(channel: string, only?: BusListener): Promise<void> {
    try {
      await this.#listening?.client.subscribe(channel, this.#onMessage)
    } catch (error) {
      // The connection was lost again, and `ready` comes again; any other refusal needs an operator.
      if (!this.#isClosed) this.#options.log.debug({ err: error, channel }, 'not subscribed')
      return
    }
    this.#listeners.tellListening(channel, only)
  }

  readonly #onMessage = (payload: string, channel: string): void => this.#listeners.tellEvent(channel, payload)
}
