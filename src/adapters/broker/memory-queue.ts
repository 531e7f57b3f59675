import type { QueueDeclaration } from '#src/ports/broker.ts'
import type { Timers } from '#src/core/timers.ts'
import { Backlog, type QueuedMessage } from './memory-backlog.ts'

/** Where a queue sends what it wants to get rid of, and how it asks to be deleted. */
export interface QueueOwner {
  deadLetter(queue: MemoryQueue, message: QueuedMessage, reason: 'rejected' | 'expired'): void
  deleteQueue(name: string): void
}

/** Someone who takes messages while they have room. */
export interface QueueReader {
  readonly hasRoom: boolean
  take(message: QueuedMessage): void
  /** The queue is gone. */
  cancel(): void
}

/** After so many deliveries the event loop gets its turn, so that a deep queue does not starve sockets and timers. */
const DELIVERIES_PER_TURN = 256

export class MemoryQueue {
  readonly declaration: QueueDeclaration
  /** The connection that holds it as exclusive. */
  readonly heldBy: object | undefined
  readonly #owner: QueueOwner
  readonly #timers: Timers
  readonly #backlog = new Backlog()
  readonly #readers: QueueReader[] = []
  #nextReader = 0
  #nextPosition = 0
  #pumping = false
  #deleted = false
  #stopExpiry: (() => void) | undefined
  #stopUnused: (() => void) | undefined

  constructor(declaration: QueueDeclaration, heldBy: object | undefined, owner: QueueOwner, timers: Timers) {
    this.declaration = declaration
    this.heldBy = heldBy
    this.#owner = owner
    this.#timers = timers
    this.touch()
  }

  get messages(): number {
    return this.#backlog.length
  }

  get consumers(): number {
    return this.#readers.length
  }

  /** Starts the time without use (x-expires) anew. */
  touch(): void {
    this.#stopUnused?.()
    this.#stopUnused = undefined
    const unusedMs = this.#milliseconds('x-expires')
    if (unusedMs === undefined || this.#readers.length > 0 || this.#deleted) return
    this.#stopUnused = this.#timers.after(unusedMs, () => this.#owner.deleteQueue(this.declaration.name))
  }

  push(message: Omit<QueuedMessage, 'position' | 'expiresAt' | 'redelivered'>): void {
    const ownMs = message.properties.expiration === undefined ? Infinity : Number(message.properties.expiration)
    const ttlMs = Math.min(ownMs, this.#milliseconds('x-message-ttl') ?? Infinity)
    const expiresAt = ttlMs === Infinity ? undefined : this.#timers.now() + ttlMs
    this.#backlog.append({ ...message, position: this.#nextPosition, expiresAt, redelivered: false })
    this.#nextPosition += 1
    this.pump()
  }

  giveBack(messages: readonly QueuedMessage[]): void {
    if (this.#deleted || messages.length === 0) return
    for (const message of messages) message.redelivered = true
    this.#backlog.giveBack(messages)
    this.pump()
  }

  /** For good: to the dead-letter exchange if the queue names one. */
  discard(message: QueuedMessage): void {
    if (!this.#deleted) this.#owner.deadLetter(this, message, 'rejected')
  }

  addReader(reader: QueueReader): void {
    this.#readers.push(reader)
    this.touch()
    this.pump()
  }

  removeReader(reader: QueueReader): void {
    const index = this.#readers.indexOf(reader)
    if (index === -1) return
    this.#readers.splice(index, 1)
    this.touch()
    if (this.declaration.autoDelete === true && this.#readers.length === 0) {
      this.#owner.deleteQueue(this.declaration.name)
    }
  }

  /**
   * Delivers what can be delivered, in a later turn of the event loop, as a socket would. In this turn a worker whose
   * tasks never wait would go from ack to delivery for ever, and nothing else of the process would run.
   */
  pump(): void {
    if (this.#pumping || this.#deleted) return
    this.#pumping = true
    setImmediate(() => this.#deliver())
  }

  delete(): void {
    this.#deleted = true
    this.#backlog.clear()
    this.#stopExpiry?.()
    this.#stopUnused?.()
    for (const reader of this.#readers.splice(0)) reader.cancel()
  }

  #deliver(): void {
    for (let delivered = 0; !this.#deleted; delivered += 1) {
      if (delivered === DELIVERIES_PER_TURN) {
        setImmediate(() => this.#deliver())
        return
      }
      // A message whose time is up this very millisecond still reaches a reader that waits: RabbitMQ delivers TTL 0.
      this.#dropExpired((expiresAt) => expiresAt < this.#timers.now())
      const reader = this.#backlog.front === undefined ? undefined : this.#nextReaderWithRoom()
      const message = reader === undefined ? undefined : this.#backlog.takeFront()
      if (message === undefined) break
      reader?.take(message)
    }
    this.#pumping = false
    this.#dropExpired((expiresAt) => expiresAt <= this.#timers.now())
    this.#watchFront()
  }

  #nextReaderWithRoom(): QueueReader | undefined {
    for (let tried = 0; tried < this.#readers.length; tried += 1) {
      const index = (this.#nextReader + tried) % this.#readers.length
      const reader = this.#readers[index]
      if (reader?.hasRoom === true) {
        this.#nextReader = index + 1
        return reader
      }
    }
    return undefined
  }

  /** Only at the front, as classic queues do: a message behind one that lives longer waits for it. */
  #dropExpired(isOver: (expiresAt: number) => boolean): void {
    for (;;) {
      const expiresAt = this.#backlog.front?.expiresAt
      if (expiresAt === undefined || !isOver(expiresAt)) return
      const message = this.#backlog.takeFront()
      if (message !== undefined) this.#owner.deadLetter(this, message, 'expired')
    }
  }

  #watchFront(): void {
    this.#stopExpiry?.()
    this.#stopExpiry = undefined
    const expiresAt = this.#backlog.front?.expiresAt
    if (expiresAt === undefined || this.#deleted) return
    this.#stopExpiry = this.#timers.after(expiresAt - this.#timers.now(), () => this.pump())
  }

  #milliseconds(argument: 'x-expires' | 'x-message-ttl'): number | undefined {
    const value = this.declaration.arguments?.[argument]
    return typeof value === 'number' ? value : undefined
  }
}
