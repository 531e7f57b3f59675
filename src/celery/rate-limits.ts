import type { Timers } from '#src/core/timers.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The text is no rate limit; `cause` says it in the words of Python's own failure. */
export class RateLimitInvalid extends Error {
  override readonly name = 'RateLimitInvalid'
}

/**
 * The milliseconds between two starts: `100/m` and its like, a bare number is per second; 0, null and '' are no limit.
 *
 * @throws RateLimitInvalid
 */
export function intervalOf(limit: string | number | null | undefined): number {
  const [count = '', unit = 's'] = String(limit ?? 0).split('/')
  const seconds = SECONDS[unit.trim()]
  if (seconds === undefined) throw new RateLimitInvalid(`KeyError('${unit}')`)
  const perUnit = count.trim() === '' ? 0 : Number(count)
  if (!Number.isFinite(perUnit) || perUnit < 0) throw new RateLimitInvalid(`ValueError("no number: '${count}'")`)
  return perUnit === 0 ? 0 : (seconds * 1000) / perUnit
}

interface Bucket<T> {
  intervalMs: number
  nextAt: number
  readonly waiting: T[]
  stopTimer: (() => void) | undefined
}

/** Lets the items of each kind through one at a time, at their kind's interval, in the order in which they came. */
export class RateLimits<T> {
  readonly #timers: Timers
  readonly #pass: (item: T) => void
  readonly #buckets = new Map<string, Bucket<T>>()

  constructor(timers: Timers, pass: (item: T) => void) {
    this.#timers = timers
    this.#pass = pass
  }

  get waiting(): T[] {
    return [...this.#buckets.values()].flatMap((bucket) => bucket.waiting)
  }

  /** @param intervalMs between two of the kind; 0 lets all that wait go at once */
  set(kind: string, intervalMs: number): void {
    const bucket = this.#buckets.get(kind) ?? { intervalMs, nextAt: 0, waiting: [], stopTimer: undefined }
    bucket.intervalMs = intervalMs
    bucket.nextAt = Math.min(bucket.nextAt, this.#timers.now() + intervalMs)
    this.#buckets.set(kind, bucket)
    this.#drain(bucket)
  }

  /** Passes the item on now, or when its turn comes. */
  add(kind: string, item: T): void {
    const bucket = this.#buckets.get(kind)
    if (bucket === undefined) return this.#pass(item)
    bucket.waiting.push(item)
    this.#drain(bucket)
  }

  /** Takes out every item that waits and `matches`. */
  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = []
    for (const bucket of this.#buckets.values()) {
      const kept: T[] = []
      for (const item of bucket.waiting.splice(0)) (matches(item) ? removed : kept).push(item)
      bucket.waiting.push(...kept)
      this.#drain(bucket)
    }
    return removed
  }

  #drain(bucket: Bucket<T>): void {
    bucket.stopTimer?.()
    bucket.stopTimer = undefined
    while (bucket.waiting.length > 0 && bucket.nextAt <= this.#timers.now()) {
      bucket.nextAt = this.#timers.now() + bucket.intervalMs
      const [item] = bucket.waiting.splice(0, 1)
      if (item !== undefined) this.#pass(item)
    }
    if (bucket.waiting.length === 0) return
    bucket.stopTimer = this.#timers.after(bucket.nextAt - this.#timers.now(), () => this.#drain(bucket))
  }
}
