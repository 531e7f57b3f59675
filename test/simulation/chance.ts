/** Chance with a seed: the same seed draws the same. xorshift32, for histories by the million. */
export class Chance {
  #state: number

  constructor(seed: number) {
    // Neighbouring seeds must not draw alike.
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b) + 0x9e3779b9
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    this.#state = (mixed ^ (mixed >>> 16)) | 1
  }

  /** From 0 to below 1. */
  next = (): number => {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) / 2 ** 32
  }

  is(probability: number): boolean {
    return this.next() < probability
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.next() * list.length)]
    if (found === undefined) throw new RangeError('nothing to pick from')
    return found
  }
}
