import type { Place } from './visible.ts'

/**
 * Messages become visible out of the order of their times: a transaction may commit after a later one has been shown.
 * So a stream that has shown a message still takes those that are up to this much older.
 */
export const OVERLAP_MS = 30_000
/** An id is a header that comes back; a proxy may refuse long ones. */
const MOST_SHOWN = 400
const SHORT_LENGTH = 8
const FORM = /^([0-9a-z]{1,9})(?:\.((?:[0-9a-f]{8})+))?$/
/** Another instance's clock may be ahead of this one's. */
const CLOCKS_APART_MS = 60_000
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * Where a stream is, as the `id` of its last event: a time up to which all is settled, and the short names of what was
 * shown after it. It is all that any API process needs to go on: what is newer than the time and not named is missing.
 *
 * A short name is the first 32 bits of a random id: that two of the few messages of one account within the overlap share
 * it is not expected in the life of the system. If more than 400 come within the overlap, the oldest count as settled.
 */
export class Position {
  #settledAt: number
  /** By short name, when it became visible. In the order in which they were shown. */
  readonly #shown = new Map<string, number>()

  private constructor(settledAt: number) {
    this.#settledAt = settledAt
  }

  /** Of a stream that shows what comes from now on. */
  static at(nowMs: number): Position {
    return new Position(nowMs - OVERLAP_MS)
  }

  /** Undefined for what no stream of ours has sent. */
  static parse(text: string, nowMs: number): Position | undefined {
    const [, time = '', names = ''] = FORM.exec(text) ?? []
    const settledAt = Number.parseInt(time, 36)
    if (time === '' || settledAt > nowMs + CLOCKS_APART_MS || names.length > MOST_SHOWN * SHORT_LENGTH) return undefined
    const position = new Position(settledAt)
    for (let start = 0; start < names.length; start += SHORT_LENGTH) {
      // Not known, and no later than this: kept a little longer than need be.
      position.#shown.set(names.slice(start, start + SHORT_LENGTH), settledAt + OVERLAP_MS)
    }
    return position
  }

  /** What may be missing comes after it. */
  get settled(): Place {
    return { at: new Date(this.#settledAt), id: LAST_ID }
  }

  isNew(id: string, visibleAt: number): boolean {
    return visibleAt > this.#settledAt && !this.#shown.has(shortName(id))
  }

  add(id: string, visibleAt: number): void {
    this.#shown.set(shortName(id), visibleAt)
    this.#settle(visibleAt - OVERLAP_MS)
    if (this.#shown.size > MOST_SHOWN) this.#settle(Math.min(...this.#shown.values()))
  }

  toString(): string {
    const time = this.#settledAt.toString(36)
    return this.#shown.size === 0 ? time : `${time}.${[...this.#shown.keys()].join('')}`
  }

  #settle(time: number): void {
    if (time <= this.#settledAt) return
    this.#settledAt = time
    for (const [name, visibleAt] of this.#shown) if (visibleAt <= time) this.#shown.delete(name)
  }
}

function shortName(id: string): string {
  return id.slice(0, SHORT_LENGTH)
}
