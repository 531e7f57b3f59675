interface Batch {
  left: number
  readonly voidAt: number
}

/** Tokens at hand, the oldest first, each until it is void. */
export class TokenShelf {
  readonly #batches: Batch[] = []
  #left = 0

  /** Those that have become void since they were last looked at are among them. */
  get left(): number {
    return this.#left
  }

  add(count: number, voidAt: number): void {
    if (count === 0) return
    this.#batches.push({ left: count, voidAt })
    this.#left += count
  }

  take(nowMs: number): boolean {
    if (this.#left === 0 || this.expire(nowMs) === 0) return false
    const oldest = this.#batches[0]
    if (oldest === undefined) return false
    oldest.left -= 1
    this.#left -= 1
    return true
  }

  /** Drops what is void, and says how many are left. */
  expire(nowMs: number): number {
    for (let oldest = this.#batches[0]; oldest !== undefined; oldest = this.#batches[0]) {
      if (oldest.left > 0 && oldest.voidAt > nowMs) break
      this.#left -= oldest.left
      this.#batches.shift()
    }
    return this.#left
  }
}
