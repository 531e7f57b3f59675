import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { Db } from '#src/database/database.ts'
import type { Announcement } from './announcements.ts'
import { toTold } from './event-text.ts'
import {
  broadcastsSince,
  lookAt,
  type Look,
  meantBy,
  MOST_BROADCASTS,
  personalSince,
  recipientsOf,
  shownMessage,
} from './looks.ts'
import { OVERLAP_MS } from './position.ts'
import type { ReadMessage, Stream } from './stream.ts'
import type { Streams } from './streams.ts'
import { inInboxOrder } from './visible.ts'

export interface FeedParts {
  readonly db: Db
  readonly timers: Timers
  readonly log: Logger
  readonly streams: Streams
}

/** One statement is some milliseconds' work, and what is urgent waits for one at most. */
const LOOKED_AT_ONCE = 100
const ASKED_AT_ONCE = 500
/** Messages of one account in one look; more follow when the client has read these. */
const PAGE = 20
/** Waiting announcements beyond this are not worth their own statements: one poll finds them all. */
const MOST_WAITING = 1_000
const MOST_READS = 20
const RETRY_MS = 1_000
/** What is announced with a later time than this is not due yet. */
const CLOCKS_APART_MS = 5_000

/**
 * Brings messages to the open streams. Whatever the occasion (an announcement, a new stream, the bus coming back, a
 * poll), PostgreSQL is asked for many accounts at once, and one question at a time: so the count of unread messages
 * that a look gives, and the messages told one by one after it, add up.
 */
export class Feed {
  readonly #parts: FeedParts
  /** Announced, to few accounts: who they are is asked, and those are looked at. */
  readonly #few = new Set<string>()
  /** Announced, to many: which of ours are meant is asked, and they are told. */
  readonly #many = new Set<string>()
  /** Accounts to look at, each with what was read there meanwhile. */
  readonly #looks = new Map<string, readonly ReadMessage[]>()
  /** Messages to many that every live stream was told of, and when they became visible. */
  readonly #told = new Map<string, number>()
  /** When the newest of what was announced became visible. */
  #latest = 0
  #isPollDue = false
  #polledAt: number
  #isWorking = false
  #work: Promise<void> | undefined
  #stopRetry = (): void => {}
  #isClosed = false

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#polledAt = parts.timers.now()
  }

  announced(announcement: Announcement): void {
    if (announcement.kind === 'read') {
      if (this.#parts.streams.has(announcement.accountId)) this.look(announcement.accountId, announcement.id)
      return
    }
    if (this.#parts.streams.count === 0) return
    if (this.#few.size + this.#many.size >= MOST_WAITING) this.#isPollDue = true
    else (announcement.isToMany ? this.#many : this.#few).add(announcement.id)
    this.#start()
  }

  /** Brings the account's streams up to date. */
  look(accountId: string, ...read: readonly ReadMessage[]): void {
    const reads = [...(this.#looks.get(accountId) ?? []), ...read]
    this.#looks.set(accountId, reads.length > MOST_READS ? [null] : reads)
    this.#start()
  }

  lookAtAll(): void {
    for (const accountId of this.#parts.streams.accounts()) this.look(accountId)
  }

  /** Looks for what no announcement has told of. */
  poll(): void {
    this.#isPollDue = true
    this.#start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopRetry()
    await this.#work
  }

  #start(): void {
    if (this.#isWorking || this.#isClosed) return
    this.#isWorking = true
    this.#work = this.#workOff()
  }

  async #workOff(): Promise<void> {
    // What comes in within this turn of the event loop is asked for together.
    await new Promise(setImmediate)
    try {
      for (let job = this.#next(); job !== undefined && !this.#isClosed; job = this.#next()) await job()
      this.#isWorking = false
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'open event streams wait: the inbox could not be read')
      // What was being told of is found by the poll, which begins where the last whole one was.
      this.#isPollDue = true
      this.#stopRetry = this.#parts.timers.after(RETRY_MS, () => {
        this.#isWorking = false
        this.#start()
      })
    }
  }

  /** The most urgent work; undefined when there is none. */
  #next(): (() => Promise<void>) | undefined {
    if (this.#few.size > 0) return () => this.#askWhoFewAre()
    const [id] = this.#many
    if (id !== undefined) return () => this.#tellMany(id)
    if (this.#isPollDue) return () => this.#poll()
    return this.#looks.size > 0 ? () => this.#look() : undefined
  }

  async #askWhoFewAre(): Promise<void> {
    const ids = first(this.#few, ASKED_AT_ONCE)
    for (const id of ids) this.#few.delete(id)
    for (const { account_id: accountId, visible_at: at } of await recipientsOf(this.#parts.db, ids)) {
      this.#latest = Math.max(this.#latest, at.getTime())
      if (this.#parts.streams.has(accountId)) this.look(accountId)
    }
  }

  /** What was announced can be seen, though the clock of another machine, by which that is so, may be ahead of ours. */
  #now(): number {
    const now = this.#parts.timers.now()
    return Math.min(Math.max(now, this.#latest), now + CLOCKS_APART_MS)
  }

  async #tellMany(id: string): Promise<void> {
    const { db, timers, streams } = this.#parts
    this.#many.delete(id)
    if (this.#told.has(id)) return
    const message = await shownMessage(db, id, new Date(timers.now() + CLOCKS_APART_MS))
    if (message === undefined) return
    this.#latest = Math.max(this.#latest, message.visible_at.getTime())
    const unread = toTold(message)
    for (const accountIds of slices(streams.accounts(), ASKED_AT_ONCE)) {
      for (const { account_id: accountId, read_at } of await meantBy(db, message, accountIds)) {
        const told = read_at === null ? unread : toTold({ ...message, read_at })
        for (const stream of streams.of(accountId)) stream.tell(told)
      }
    }
    this.#told.set(id, message.visible_at.getTime())
  }

  async #poll(): Promise<void> {
    const { db, timers, streams } = this.#parts
    const now = timers.now()
    const since = new Date(this.#polledAt - OVERLAP_MS)
    this.#isPollDue = false
    if (streams.count > 0) {
      const broadcasts = await broadcastsSince(db, since, new Date(now))
      if (broadcasts.length === MOST_BROADCASTS) this.lookAtAll()
      for (const id of broadcasts) if (!this.#told.has(id)) this.#many.add(id)
      for (const accountIds of slices(streams.accounts(), ASKED_AT_ONCE)) {
        for (const { accountId, id, visibleAt } of await personalSince(db, accountIds, since, new Date(now))) {
          if (streams.of(accountId).some((stream) => stream.misses(id, visibleAt))) this.look(accountId)
        }
      }
    }
    this.#polledAt = now
    for (const [id, visibleAt] of this.#told) if (visibleAt <= since.getTime()) this.#told.delete(id)
  }

  async #look(): Promise<void> {
    const { db, streams } = this.#parts
    const asked = first(this.#looks.keys(), LOOKED_AT_ONCE).flatMap((accountId) => {
      const reads = this.#looks.get(accountId) ?? []
      this.#looks.delete(accountId)
      // One that cannot take more is looked at when it has drained.
      const ready = streams.of(accountId).filter((stream) => {
        stream.isOwed = stream.sink.isClogged
        return !stream.isOwed
      })
      const places = ready.map(({ lookAfter }) => lookAfter).toSorted(inInboxOrder)
      return places[0] === undefined ? [] : [{ accountId, reads, ready, after: places[0] }]
    })
    if (asked.length === 0) return
    try {
      const looks = await lookAt(db, asked, PAGE, new Date(this.#now()))
      for (const { accountId, reads, ready } of asked) this.#show(accountId, ready, looks.get(accountId), reads)
    } catch (error) {
      for (const { accountId, reads } of asked) this.look(accountId, ...reads)
      throw error
    }
  }

  #show(accountId: string, streams: readonly Stream[], look: Look | undefined, reads: readonly ReadMessage[]): void {
    if (look === undefined) return
    const isWhole = look.messages.length < PAGE
    for (const stream of streams) if (stream.sink.isOpen) stream.catchUp(look, isWhole, reads)
    if (!isWhole) this.look(accountId)
  }
}

function first(all: Iterable<string>, count: number): string[] {
  return [...Iterator.from(all).take(count)]
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))
}
