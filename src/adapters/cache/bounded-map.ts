export interface Sized {
  readonly bytes: number
}

/**
 * Values by key that together take no more than so many bytes. What was not read since it last came up for removal
 * makes room first, the oldest before others (the clock algorithm): to keep an exact order of use, each read would have
 * to move its entry in the map, which costs more than the rest of it.
 */
export class BoundedMap<Value extends Sized> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: Value; wasRead: boolean }>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.wasRead = true
    return entry.value
  }

  /** False when it is too large to be kept at all. */
  set(key: string, value: Value): boolean {
    this.delete(key)
    if (value.bytes > this.#maxBytes) return false
    this.#makeRoom(value.bytes)
    this.#entries.set(key, { value, wasRead: false })
    this.#bytes += value.bytes
    return true
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.value.bytes
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  #makeRoom(bytes: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.#maxBytes) return
      if (entry.wasRead) {
        entry.wasRead = false
        // To the end, where this loop meets it again if it has to.
        this.#entries.delete(key)
        this.#entries.set(key, entry)
      } else this.delete(key)
    }
  }
}
