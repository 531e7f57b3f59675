import {
  closingText,
  type ClosingReason,
  HEARTBEAT_TEXT,
  notificationText,
  openText,
  readText,
  type Told,
  toTold,
  unreadText,
} from './event-text.ts'
import type { Look } from './looks.ts'
import type { Position } from './position.ts'
import { inInboxOrder, type Place } from './visible.ts'

/** Where a stream's events go. */
export interface Sink {
  readonly isOpen: boolean
  /** So much waits to be read that more should not be fetched; `onDrain` is called when that is over. */
  readonly isClogged: boolean
  onDrain: () => void
  /** Ends the connection instead when far too much waits: the client resumes. */
  send(text: string): void
  end(): void
}

export interface StreamOptions {
  readonly accountId: string
  readonly sessionId: string
  /** When the access token ends, in milliseconds since 1970. */
  readonly expiresAt: number
  readonly sink: Sink
  readonly position: Position
  /** It goes on from an earlier stream. */
  readonly isResumed: boolean
}

/** The id of a message that was read; null for several, up to all. */
export type ReadMessage = string | null

/** Proxies cut what is silent for a minute, some after half of it. */
const HEARTBEAT_S = 25
/** Clients that lose one instance come back spread over a while. */
const LEAST_RETRY_MS = 1_000
const RETRY_SPREAD_MS = 4_000

/**
 * One open stream. It begins by catching up: a new one only learns what the list shows already, a resumed one sends what
 * was missed. From then on it is live, and is told of each message; falling behind, it catches up again.
 */
export class Stream {
  readonly accountId: string
  readonly sessionId: string
  readonly expiresAt: number
  readonly sink: Sink
  /** It was passed over by a look, as it could not take more. */
  isOwed = false
  readonly #position: Position
  readonly #isResumed: boolean
  #isLive = false
  #hasOpened = false
  /** Where the next page begins, of more than one look gave. */
  #nextPage: Place | undefined
  /** As it was last told. */
  #unread = 0
  #seconds = 0

  constructor({ accountId, sessionId, expiresAt, sink, position, isResumed }: StreamOptions) {
    this.accountId = accountId
    this.sessionId = sessionId
    this.expiresAt = expiresAt
    this.sink = sink
    this.#position = position
    this.#isResumed = isResumed
  }

  get lookAfter(): Place {
    return this.#nextPage ?? this.#position.settled
  }

  /** Whether a look would find this message missing. */
  misses(id: string, visibleAt: number): boolean {
    return this.#position.isNew(id, visibleAt)
  }

  /** What PostgreSQL has after `lookAfter`, and what was read meanwhile. `isWhole`: nothing follows. */
  catchUp({ unread, messages }: Look, isWhole: boolean, reads: readonly ReadMessage[]): void {
    const missing = messages.filter(({ id, visible_at: at }) => this.#position.isNew(id, at.getTime())).map(toTold)
    if (this.#isResumed || this.#hasOpened) this.#showMissing(missing, unread, reads)
    else for (const { id, visibleAt } of missing) this.#position.add(id, visibleAt)
    const last = messages.at(-1)
    const isLive = isWhole || last === undefined
    this.#nextPage = isLive
      ? undefined
      : [this.lookAfter, { at: last.visible_at, id: last.id }].toSorted(inInboxOrder)[1]
    this.#isLive = isLive
    if (isLive) this.#open(unread)
  }

  /** A message that has just become visible. One that catches up finds it by itself. */
  tell(told: Told): void {
    if (!this.#isLive || !this.#position.isNew(told.id, told.visibleAt)) return
    if (told.isUnread) this.#unread += 1
    this.#show(told)
  }

  /** To be called every second. Counted from each stream's own start, so that not all have their turn at once. */
  tick(): void {
    this.#seconds += 1
    if (this.#seconds % HEARTBEAT_S === 0) this.sink.send(HEARTBEAT_TEXT)
  }

  close(reason: ClosingReason): void {
    this.sink.send(closingText(reason, retryMs()))
    this.sink.end()
  }

  #open(unread: number): void {
    if (this.#hasOpened) return
    this.#hasOpened = true
    this.#unread = unread
    this.sink.send(openText(String(this.#position), unread, retryMs()))
  }

  #showMissing(missing: readonly Told[], unread: number, reads: readonly ReadMessage[]): void {
    this.#open(unread)
    const hasChanged = unread !== this.#unread
    this.#unread = unread
    for (const told of missing) this.#show(told)
    for (const id of reads) this.sink.send(readText(id, unread))
    if (hasChanged && missing.length === 0 && reads.length === 0) this.sink.send(unreadText(unread))
  }

  #show(told: Told): void {
    this.#position.add(told.id, told.visibleAt)
    this.sink.send(notificationText(String(this.#position), told, this.#unread))
  }
}

function retryMs(): number {
  return Math.round(LEAST_RETRY_MS + Math.random() * RETRY_SPREAD_MS)
}
