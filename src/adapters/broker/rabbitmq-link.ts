import { type ChannelModel, connect } from 'amqplib'
import type { Socket } from 'node:net'
import type { Logger } from '#src/core/logger.ts'
import { BrokerUnavailable } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { type RabbitmqAddress, rabbitmqAddress } from './rabbitmq-address.ts'
import { codeAndMessage } from './rabbitmq-failure.ts'
import { writeTogether } from './rabbitmq-writes.ts'

export interface RabbitmqLinkOptions {
  /** `amqp[s]://user:password@host[:port][/virtual host][?heartbeat=seconds]`, the parts percent-encoded. */
  readonly url: string
  readonly log: Logger
  /** How RabbitMQ lists the connection. */
  readonly name: string
  readonly timers: Timers
}

const CONNECT_LIMIT_MS = 10_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 15_000
/** A server that does not answer our goodbye is left without one. */
const CLOSE_LIMIT_MS = 2_000

/** The one connection, made anew whenever it is lost, until it is closed. */
export class RabbitmqLink {
  readonly #options: RabbitmqLinkOptions
  readonly #address: RabbitmqAddress
  readonly #waiting = new Set<PromiseWithResolvers<void>>()
  readonly #closing = new AbortController()
  #model: ChannelModel | undefined
  #blocked: PromiseWithResolvers<void> | undefined
  /** Why the server ended the connection that it ended last. */
  #endedBecause: Error | undefined
  #lastLogged = ''
  readonly #loop: Promise<void>

  constructor(options: RabbitmqLinkOptions) {
    this.#options = options
    this.#address = rabbitmqAddress(options.url)
    this.#loop = this.#keepConnected()
  }

  get isConnected(): boolean {
    return this.#model !== undefined && !this.#closing.signal.aborted
  }

  /** The connection of now. @throws BrokerUnavailable */
  get model(): ChannelModel {
    if (this.#closing.signal.aborted) throw new BrokerUnavailable('the connection was closed')
    if (this.#model === undefined) throw new BrokerUnavailable('there is no connection to RabbitMQ')
    return this.#model
  }

  /** The server's reason, when the connection that is gone was ended by it. */
  get endedBecause(): Error | undefined {
    return this.#model === undefined ? this.#endedBecause : undefined
  }

  async connected(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closing.signal.aborted) throw new BrokerUnavailable('the connection was closed')
    if (this.#model !== undefined) return
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

  /** Set while the server, short of memory or disk, takes no messages. Resolves when that is over or the connection gone. */
  get blocked(): Promise<void> | undefined {
    return this.#blocked?.promise
  }

  /** From now on there is no connection for anybody who asks; those who have it can finish. */
  refuse(): void {
    this.#closing.abort()
    for (const waiting of this.#waiting) waiting.reject(new BrokerUnavailable('the connection was closed'))
  }

  /** Whoever opened channels closes them before, or loses what they still hold. */
  async close(): Promise<void> {
    this.refuse()
    if (this.#model !== undefined) await this.#goodbye(this.#model)
    await this.#loop
  }

  async #keepConnected(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted;) {
      try {
        const model = await this.#open()
        failures = 0
        await this.#lossOf(model)
      } catch (error) {
        failures += 1
        this.#away(error)
      }
      await this.#pause(failures)
    }
  }

  async #open(): Promise<ChannelModel> {
    const { name } = this.#options
    // Without noDelay, an ack would wait for the answer to the one before it.
    const socket = { noDelay: true, timeout: CONNECT_LIMIT_MS, clientProperties: { connection_name: name } }
    const model = await connect(this.#address, socket)
    writeTogether(socketOf(model))
    return model
  }

  /** Resolves when `model` is no longer usable; until then it is the connection. */
  #lossOf(model: ChannelModel): Promise<void> {
    const { log, name } = this.#options
    const lost = Promise.withResolvers<void>()
    let reason: unknown = new Error('the connection was closed')
    model.on('error', (error) => {
      reason = error
      this.#endedBecause = error
    })
    model.on('close', (error) => {
      this.#model = undefined
      this.#unblock()
      if (!this.#closing.signal.aborted) this.#away(error ?? reason)
      // After silence there is nobody to say goodbye to, and the socket would linger for minutes.
      socketOf(model).destroySoon()
      lost.resolve()
    })
    model.on('blocked', (cause) => {
      log.warn({ connection: name, cause }, 'RabbitMQ takes no messages for now')
      this.#blocked = Promise.withResolvers()
    })
    model.on('unblocked', () => {
      log.info({ connection: name }, 'RabbitMQ takes messages again')
      this.#unblock()
    })
    // A listener of ours that throws must not take the connection down.
    model.on('handler-error', (error) => log.error({ err: error, connection: name }, 'a listener failed'))
    this.#endedBecause = undefined
    this.#model = model
    if (this.#closing.signal.aborted) void this.#goodbye(model)
    else this.#back()
    return lost.promise
  }

  #back(): void {
    this.#lastLogged = ''
    this.#options.log.info({ connection: this.#options.name }, 'connected to RabbitMQ')
    for (const waiting of this.#waiting) waiting.resolve()
  }

  /** One line per outage and reason, not one per attempt. */
  #away(error: unknown): void {
    const reason = codeAndMessage(error).message
    if (reason === this.#lastLogged || this.#closing.signal.aborted) return
    this.#lastLogged = reason
    this.#options.log.warn({ connection: this.#options.name, reason }, 'RabbitMQ is away')
  }

  #unblock(): void {
    this.#blocked?.resolve()
    this.#blocked = undefined
  }

  /** Doubling, with jitter so that many clients do not come back in one wave. */
  async #pause(failures: number): Promise<void> {
    const { signal } = this.#closing
    if (signal.aborted) return
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    const over = Promise.withResolvers<void>()
    const stopTimer = this.#options.timers.after(longestMs * (0.5 + Math.random() / 2), over.resolve)
    const stop = (): void => over.resolve()
    signal.addEventListener('abort', stop, { once: true })
    await over.promise
    signal.removeEventListener('abort', stop)
    stopTimer()
  }

  async #goodbye(model: ChannelModel): Promise<void> {
    const stopTimer = this.#options.timers.after(CLOSE_LIMIT_MS, () => socketOf(model).destroy())
    const closed = new Promise((resolve) => model.once('close', resolve))
    await Promise.race([model.close().catch(() => {}), closed])
    stopTimer()
  }
}

/** The library keeps it to itself and never destroys it, only ends it: on a dead network that takes minutes. */
function socketOf(model: ChannelModel): Socket {
  return (model.connection as unknown as { readonly stream: Socket }).stream
}
