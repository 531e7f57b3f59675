import type { Actor } from '#src/core/actor.ts'
import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { periodically } from '#src/core/periodic.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import { INBOX_CHANNEL, parseAnnouncement } from './announcements.ts'
import type { ClosingReason } from './event-text.ts'
import { inboxErrors } from './errors.ts'
import { Feed } from './feed.ts'
import { Stream, type StreamOptions } from './stream.ts'
import { Streams } from './streams.ts'

export interface HubParts {
  readonly db: Db
  readonly bus: EventBus
  readonly timers: Timers
  readonly log: Logger
  /** @default 5 */
  readonly mostPerAccount?: number
  /** A process may have 20,000 files open, and has other uses for some. @default 12_000 */
  readonly mostStreams?: number
}

const POLL_MS = 15_000
const TICK_MS = 1_000

/** Every event stream of this process: one subscription, however many there are. */
export class Hub implements Closeable {
  readonly #streams = new Streams()
  readonly #feed: Feed
  readonly #timers: Timers
  readonly #mostPerAccount: number
  readonly #mostStreams: number
  readonly #running: readonly Closeable[]
  readonly #subscription: Disposable
  #isDraining = false

  constructor({ bus, mostPerAccount = 5, mostStreams = 12_000, ...parts }: HubParts) {
    const { timers, log } = parts
    this.#timers = timers
    this.#mostPerAccount = mostPerAccount
    this.#mostStreams = mostStreams
    this.#feed = new Feed({ ...parts, streams: this.#streams })
    this.#subscription = bus.subscribe(INBOX_CHANNEL, {
      onEvent: (payload) => {
        const announcement = parseAnnouncement(payload)
        if (announcement !== undefined) this.#feed.announced(announcement)
      },
      // Of what was read while the bus was away, nothing but a look at each inbox tells.
      onListening: () => this.#feed.lookAtAll(),
    })
    const tick = async (): Promise<void> => this.#tick()
    const poll = async (): Promise<void> => this.#feed.poll()
    this.#running = [
      periodically({ name: 'ticks of event streams', everyMs: TICK_MS, timers, log, work: tick }),
      periodically({ name: 'poll for event streams', everyMs: POLL_MS, timers, log, work: poll }),
    ]
  }

  get count(): number {
    return this.#streams.count
  }

  /** Throws when this account, or this process, may not have another stream. To be asked right before `add`. */
  admit({ accountId }: Actor): void {
    if (this.#isDraining) throw httpErrors.draining({ retryAfterSeconds: 1 })
    if (this.#streams.count >= this.#mostStreams) throw inboxErrors.streamsFull({ retryAfterSeconds: 10 })
    if (this.#streams.of(accountId).length >= this.#mostPerAccount) {
      throw inboxErrors.tooManyStreams({ retryAfterSeconds: 30, details: { most: this.#mostPerAccount } })
    }
  }

  /** Feeds the stream until it ends, or the returned function is called. */
  add(options: StreamOptions): () => void {
    const stream = new Stream(options)
    options.sink.onDrain = () => {
      if (stream.isOwed) this.#feed.look(stream.accountId)
      stream.isOwed = false
    }
    this.#streams.add(stream)
    this.#feed.look(stream.accountId)
    return () => this.#streams.remove(stream)
  }

  sessionEnded(sessionId: string): void {
    for (const stream of this.#streams.all()) if (stream.sessionId === sessionId) this.#end(stream, 'session_ended')
  }

  /** Ends every stream and opens none: their clients find another instance. */
  drain(): void {
    this.#isDraining = true
    for (const stream of this.#streams.all()) this.#end(stream, 'draining')
  }

  async close(): Promise<void> {
    this.drain()
    this.#subscription[Symbol.dispose]()
    await Promise.all(this.#running.map((part) => part.close()))
    await this.#feed.close()
  }

  #end(stream: Stream, reason: ClosingReason): void {
    this.#streams.remove(stream)
    stream.close(reason)
  }

  #tick(): void {
    const now = this.#timers.now()
    for (const stream of this.#streams.all()) {
      // The client was gone before its stream had begun.
      if (!stream.sink.isOpen) this.#streams.remove(stream)
      else if (stream.expiresAt <= now) this.#end(stream, 'token_expired')
      else stream.tick()
    }
  }
}
