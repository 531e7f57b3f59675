import type { MessageProperties } from '#src/ports/broker.ts'
import type { Headers } from '#src/ports/message-headers.ts'

/** A message inside one queue. Its properties, headers and body belong to the broker: consumers get copies. */
export interface QueuedMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly headers: Headers
  readonly body: Buffer
  /** Its place in the queue: kept when it is given back. */
  readonly position: number
  /** Milliseconds since 1970; undefined does not expire. */
  readonly expiresAt: number | undefined
  redelivered: boolean
}

/** Taken messages leave a hole at the front of the list; it is cut off when it is longer than this and than the rest. */
const SHORTEST_CUT = 1024

/** The messages that wait in a queue, in order. Taking one from 100,000 costs what taking one from ten does. */
export class Backlog {
  /** Never delivered yet; the oldest is at `#hole`. */
  #fresh: (QueuedMessage | undefined)[] = []
  #hole = 0
  /** Given back, oldest last. Messages leave in order, so each of these is older than every fresh one. */
  readonly #returned: QueuedMessage[] = []

  get length(): number {
    return this.#fresh.length - this.#hole + this.#returned.length
  }

  get front(): QueuedMessage | undefined {
    return this.#returned.at(-1) ?? this.#fresh[this.#hole]
  }

  append(message: QueuedMessage): void {
    this.#fresh.push(message)
  }

  /** To where they were, in one go: a closing consumer may return very many. */
  giveBack(messages: readonly QueuedMessage[]): void {
    for (const message of messages) this.#returned.push(message)
    this.#returned.sort((a, b) => b.position - a.position)
  }

  takeFront(): QueuedMessage | undefined {
    const returned = this.#returned.pop()
    if (returned !== undefined) return returned
    const message = this.#fresh[this.#hole]
    if (message === undefined) return undefined
    this.#fresh[this.#hole] = undefined
    this.#hole += 1
    if (this.#hole > SHORTEST_CUT && this.#hole * 2 > this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#hole)
      this.#hole = 0
    }
    return message
  }

  clear(): void {
    this.#fresh = []
    this.#hole = 0
    this.#returned.length = 0
  }
}
