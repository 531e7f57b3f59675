import type { Logger } from '#src/core/logger.ts'
import type { Broker, OutgoingMessage } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import type { LamportClock } from '../lamport-clock.ts'
import { writePythonJson } from '../python-json.ts'

export const EVENT_EXCHANGE = { name: 'celeryev', type: 'topic' } as const

/** So many task events travel in one message at most; Celery's own number. */
const LARGEST_BATCH = 24
/** What is kept while the broker is away; beyond, the oldest is dropped. */
const MOST_KEPT = 10_000
const PAUSE_MS = 500

export interface EventDispatcherOptions {
  /** Its connection for publishing. */
  readonly broker: Broker
  /** Who speaks: a worker's node name, or `gen<pid>@<host>`. */
  readonly node: string
  readonly clock: LamportClock
  readonly timers: Timers
  readonly log: Logger
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Sends events, in order and in batches, without keeping anybody waiting: what cannot be sent now is sent later, or
 * dropped when there is too much of it.
 */
export class EventDispatcher {
  readonly #options: EventDispatcherOptions
  readonly #closing = new AbortController()
  #kept: OutgoingEvent[] = []
  #sending: Promise<void> | undefined
  #isDeclared = false
  #dropped = 0

  constructor(options: EventDispatcherOptions) {
    this.#options = options
  }

  /** How many events were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param type such as `task-started` */
  send(type: string, fields: Fields): void {
    this.#kept.push({ type, body: this.#body(type, fields) })
    if (this.#kept.length > MOST_KEPT) {
      this.#kept.shift()
      this.#dropped += 1
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  /**
   * Sends what is kept, then this one, and resolves when the broker has it; gives up when the broker is away. Nothing
   * is sent afterwards: whatever comes after `worker-offline` makes the worker look alive.
   */
  async close(type: string, fields: Fields): Promise<void> {
    this.send(type, fields)
    const { broker } = this.#options
    if (broker.isConnected) await Promise.race([this.#sending, this.#afterPause()])
    this.#closing.abort(new Error('no more events'))
    this.#kept = []
  }

  #body(type: string, fields: Fields): Fields {
    const { node, clock, timers } = this.#options
    // Whole hours to the west, rounded down.
    const utcoffset = Math.floor(new Date().getTimezoneOffset() / 60)
    const own = { hostname: node, utcoffset, pid: process.pid, clock: clock.forward() }
    return { ...own, ...fields, timestamp: timers.now() / 1000, type }
  }

  async #sendAll(): Promise<void> {
    // Events of one turn of the event loop travel together.
    await new Promise(setImmediate)
    while (this.#kept.length > 0 && !this.#closing.signal.aborted) {
      try {
        await this.#sendSome()
      } catch (error) {
        this.#isDeclared = false
        if (this.#closing.signal.aborted) return
        this.#options.log.debug({ err: error }, 'events could not be sent yet')
        await this.#afterPause()
      }
    }
  }

  async #sendSome(): Promise<void> {
    const { broker } = this.#options
    await broker.connected(this.#closing.signal)
    if (!this.#isDeclared) await broker.declareExchange(EVENT_EXCHANGE)
    this.#isDeclared = true
    const batch = firstBatch(this.#kept)
    // Only the last word is worth the broker's answer: a connection that closes behind it may drop it.
    const confirm = batch[0]?.type === 'worker-offline'
    await broker.publish(this.#message(batch), { confirm, signal: this.#closing.signal })
    // While it was sent, the oldest may have made room.
    const sent = new Set(batch)
    this.#kept = this.#kept.filter((event) => !sent.has(event))
  }

  #message(batch: readonly OutgoingEvent[]): OutgoingMessage {
    const [first] = batch
    const isList = first?.type.startsWith('task-') === true && first.type !== 'task-sent'
    const body = isList ? batch.map((event) => event.body) : first?.body
    return {
      exchange: EVENT_EXCHANGE.name,
      routingKey: isList ? 'task.multi' : (first?.type ?? '').replaceAll('-', '.'),
      properties: { contentType: 'application/json', contentEncoding: 'utf-8', deliveryMode: 1, priority: 0 },
      headers: { hostname: this.#options.node },
      body: Buffer.from(writePythonJson(body)),
    }
  }

  async #afterPause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#options.timers.after(PAUSE_MS, resolve)
    this.#closing.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    stopTimer()
  }
}

interface OutgoingEvent {
  readonly type: string
  readonly body: Fields
}

/** Task events of a worker go together; everything else goes alone. */
function firstBatch(events: readonly OutgoingEvent[]): OutgoingEvent[] {
  const isAlone = (event: OutgoingEvent): boolean => !event.type.startsWith('task-') || event.type === 'task-sent'
  const end = events.slice(0, LARGEST_BATCH).findIndex(isAlone)
  return events.slice(0, end === -1 ? LARGEST_BATCH : Math.max(1, end))
}
