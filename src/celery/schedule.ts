import type { Timers } from '#src/core/timers.ts'

interface Entry<T> {
  readonly dueAt: number
  readonly order: number
  readonly item: T
}

/**
 * What waits for its time: a binary heap under one timer. Items come out when due, the earliest first, those of one
 * time as they came in.
 */
export class Schedule<T> {
  readonly #timers: Timers
  readonly #onDue: (item: T) => void
  #heap: Entry<T>[] = []
  #order = 0
  #stopTimer: (() => void) | undefined
  #timerAt = Infinity

  constructor(timers: Timers, onDue: (item: T) => void) {
    this.#timers = timers
    this.#onDue = onDue
  }

  get size(): number {
    return this.#heap.length
  }

  /** In no order. */
  get entries(): readonly { readonly dueAt: number; readonly item: T }[] {
    return this.#heap
  }

  /** @param dueAt milliseconds since 1970 UTC */
  add(dueAt: number, item: T): void {
    this.#heap.push({ dueAt, order: this.#order, item })
    this.#order += 1
    this.#rise(this.#heap.length - 1)
    this.#arm()
  }

  /** Takes out every item that `matches`, in no order. */
  remove(matches: (item: T) => boolean): T[] {
    const removed = this.#heap.filter((entry) => matches(entry.item)).map((entry) => entry.item)
    // A sorted list is a heap.
    this.#heap = this.#heap.filter((entry) => !matches(entry.item)).toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#arm()
    return removed
  }

  #arm(): void {
    const dueAt = this.#heap[0]?.dueAt ?? Infinity
    if (dueAt === this.#timerAt) return
    this.#stopTimer?.()
    this.#timerAt = dueAt
    this.#stopTimer =
      dueAt === Infinity ? undefined : this.#timers.after(dueAt - this.#timers.now(), () => this.#wake())
  }

  #wake(): void {
    this.#timerAt = Infinity
    while ((this.#heap[0]?.dueAt ?? Infinity) <= this.#timers.now()) {
      const item = this.#takeFirst()
      if (item !== undefined) this.#onDue(item.item)
    }
    this.#arm()
  }

  #takeFirst(): Entry<T> | undefined {
    const [first] = this.#heap
    const last = this.#heap.pop()
    if (last !== undefined && last !== first) {
      this.#heap[0] = last
      this.#sink(0)
    }
    return first
  }

  #rise(start: number): void {
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfBefore(at, parent)) return
      at = parent
    }
  }

  #sink(start: number): void {
    for (let at = start; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const [leftEntry, rightEntry] = [this.#heap[left], this.#heap[right]]
      if (leftEntry === undefined) return
      const child = rightEntry !== undefined && isBefore(rightEntry, leftEntry) ? right : left
      if (!this.#swapIfBefore(child, at)) return
      at = child
    }
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined || !isBefore(first, second)) return false
    this.#heap[a] = second
    this.#heap[b] = first
    return true
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order)
}
