export interface TargetCountsOptions {
  readonly limit: number
  readonly windowMs: number
  /** How many messages at most, to all targets, a window sees. */
  readonly messages: number
}

const ROWS = 2
/** The window moves in thirds. With the third that is being filled, a message counts for one window at least. */
const PARTS = 4
/** Messages to others that share a cell use this part of a limit, on average. */
const NOISE = 0.1
const MOST_PER_CELL = 0xffff

/** How many messages each of many targets had in the last while: a count-min sketch, which never counts too few. */
export class TargetCounts {
  readonly #limit: number
  readonly #partMs: number
  readonly #mask: number
  /** For each part of the window, and for their sum, the rows one after the other. */
  readonly #parts: readonly Uint16Array[]
  readonly #sum: Uint16Array
  #current = 0
  #partEndsAt = 0

  constructor({ limit, windowMs, messages }: TargetCountsOptions) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(1024, messages / (limit * NOISE))))
    this.#limit = limit
    this.#partMs = windowMs / (PARTS - 1)
    this.#mask = width - 1
    this.#parts = Array.from({ length: PARTS }, () => new Uint16Array(width * ROWS))
    this.#sum = new Uint16Array(width * ROWS)
  }

  /** 0 when a target may have one more, else the time until it may. */
  waitMs(hash: number, nowMs: number): number {
    this.#move(nowMs)
    const [one, other] = this.#cells(hash)
    const cell = this.#at(this.#sum, one) <= this.#at(this.#sum, other) ? one : other
    let count = this.#at(this.#sum, cell)
    for (let age = 1; count >= this.#limit && age <= PARTS; age += 1) {
      count -= this.#at(this.#part(this.#current + age), cell)
      if (count < this.#limit) return this.#partEndsAt + (age - 1) * this.#partMs - nowMs
    }
    return 0
  }

  add(hash: number): void {
    const part = this.#part(this.#current)
    for (const cell of this.#cells(hash)) {
      if (this.#at(this.#sum, cell) === MOST_PER_CELL) continue
      part[cell] = this.#at(part, cell) + 1
      this.#sum[cell] = this.#at(this.#sum, cell) + 1
    }
  }

  /** Forgets the parts that have left the window. */
  #move(nowMs: number): void {
    if (nowMs < this.#partEndsAt) return
    const passed = Math.min(PARTS, 1 + Math.floor((nowMs - this.#partEndsAt) / this.#partMs))
    for (let step = 0; step < passed; step += 1) {
      this.#current = (this.#current + 1) % PARTS
      const part = this.#part(this.#current)
      for (let cell = 0; cell < part.length; cell += 1) {
        this.#sum[cell] = this.#at(this.#sum, cell) - this.#at(part, cell)
      }
      part.fill(0)
    }
    this.#partEndsAt = nowMs + this.#partMs - ((nowMs - this.#partEndsAt) % this.#partMs)
  }

  #cells(hash: number): readonly [number, number] {
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const other = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39)
    return [(hash ^ (hash >>> 16)) & this.#mask, this.#mask + 1 + ((other ^ (other >>> 16)) & this.#mask)]
  }

  #part(at: number): Uint16Array {
    return this.#parts[at % PARTS] ?? this.#sum
  }

  #at(table: Uint16Array, cell: number): number {
    return table[cell] ?? 0
  }
}
