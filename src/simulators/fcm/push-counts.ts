/** A push is one message for one target; the digest is the same for the same set of them, in whatever order they came. */
export interface PushCountsView {
  readonly distinct: number
  /** How many were accepted once, twice and so on. */
  readonly by_times: Readonly<Record<string, number>>
  readonly digest: string
}

const FIRST_SLOTS = 2 ** 16
const MOST_TIMES = 255

/**
 * How often each push was accepted, for millions of them: 9 bytes a slot in place of the texts. Pushes are told apart by a
 * hash of 64 bits; of ten million, two have the same with a chance of 1 in 300,000.
 */
export class PushCounts {
  #highs = new Uint32Array(FIRST_SLOTS)
  #lows = new Uint32Array(FIRST_SLOTS)
  /** 0: the slot is free. */
  #times = new Uint8Array(FIRST_SLOTS)
  #distinct = 0
  #digestHigh = 0
  #digestLow = 0

  add(target: string, messageId: string): void {
    const high = hash(messageId, hash(target, 0x9e3779b9))
    const low = hash(messageId, hash(target, 0x85ebca6b))
    const slot = this.#slotOf(high, low)
    const times = this.#times[slot] ?? 0
    this.#times[slot] = Math.min(MOST_TIMES, times + 1)
    if (times > 0) return
    this.#highs[slot] = high
    this.#lows[slot] = low
    this.#distinct += 1
    this.#digestHigh = (this.#digestHigh + high) >>> 0
    this.#digestLow = (this.#digestLow + low) >>> 0
    // Searches stay short while a third of the slots is free.
    if (this.#distinct * 3 > this.#times.length * 2) this.#grow()
  }

  view(): PushCountsView {
    const byTimes: Record<string, number> = {}
    for (const times of this.#times) if (times > 0) byTimes[times] = (byTimes[times] ?? 0) + 1
    const digest = [this.#digestHigh, this.#digestLow].map((half) => half.toString(16).padStart(8, '0')).join('')
    return { distinct: this.#distinct, by_times: byTimes, digest }
  }

  clear(): void {
    this.#allocate(FIRST_SLOTS)
    this.#distinct = 0
    this.#digestHigh = 0
    this.#digestLow = 0
  }

  /** Where it is, or the free slot where it belongs. */
  #slotOf(high: number, low: number): number {
    const mask = this.#times.length - 1
    let slot = low & mask
    while (this.#times[slot] !== 0 && (this.#lows[slot] !== low || this.#highs[slot] !== high)) slot = (slot + 1) & mask
    return slot
  }

  #allocate(slots: number): void {
    this.#highs = new Uint32Array(slots)
    this.#lows = new Uint32Array(slots)
    this.#times = new Uint8Array(slots)
  }

  #grow(): void {
    const [highs, lows, times] = [this.#highs, this.#lows, this.#times]
    this.#allocate(times.length * 2)
    for (const [old, count] of times.entries()) {
      if (count === 0) continue
      const [high = 0, low = 0] = [highs[old], lows[old]]
      const slot = this.#slotOf(high, low)
      this.#highs[slot] = high
      this.#lows[slot] = low
      this.#times[slot] = count
    }
  }
}

/** FNV-1a over UTF-16 units, then murmur3's finish, without which texts that differ in the last digit alone lie together. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let place = 0; place < text.length; place += 1) value = Math.imul(value ^ text.charCodeAt(place), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
