import { LEASE_MS } from '#src/modules/notifications/sending/push-page.ts'
import type { Chance } from './chance.ts'

/** Whoever something happens to: what was under way of one that is dead never ends. */
export interface Party {
  isDead: boolean
  /** It notices nothing before, as when its machine stands still. */
  stillUntil: number
}

interface Happening {
  dueAt: number
  readonly place: number
  readonly party: Party | undefined
  /** Undefined: it was called off. */
  act: (() => void) | undefined
}

/** How long somebody stands still, by lot: often about as long as a lease, when it matters most. */
export function standstillMs(chance: Chance): number {
  return chance.is(0.5) ? LEASE_MS * (0.95 + chance.next() * 0.1) : chance.next() ** 2 * 3 * LEASE_MS
}

/** Virtual time: what is to happen, in the order of its time, one after the other. */
export class Happenings {
  nowMs: number
  #count = 0
  readonly #heap: Happening[] = []

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** How many things have been planned, for a limit to histories that never end. */
  get planned(): number {
    return this.#count
  }

  /** @returns calls it off */
  after(delayMs: number, act: () => void, party?: Party): () => void {
    const happening: Happening = { dueAt: this.nowMs + delayMs, place: this.#count, party, act }
    this.#count += 1
    this.#push(happening)
    return () => {
      happening.act = undefined
    }
  }

  /** Lets the next thing happen; false when there is none. What it starts in promises has to run before the next. */
  step(): boolean {
    for (;;) {
      const next = this.#pop()
      if (next === undefined) return false
      const { act, party } = next
      if (act === undefined || party?.isDead === true) continue
      this.nowMs = Math.max(this.nowMs, next.dueAt)
      if (party !== undefined && party.stillUntil > this.nowMs) {
        next.dueAt = party.stillUntil
        this.#push(next)
        continue
      }
      act()
      return true
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(happening, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = happening
  }

  #pop(): Happening | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      let below = heap[child]
      if (below === undefined) break
      const other = heap[child + 1]
      if (other !== undefined && isBefore(other, below)) {
        below = other
        child += 1
      }
      if (!isBefore(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.place < b.place)
}
