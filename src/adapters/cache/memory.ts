import { type Clock, systemClock } from '#src/core/clock.ts'
import type { Cache } from '#src/ports/cache.ts'

interface Entry {
  readonly value: string
  readonly expiresAt: number
  readonly bytes: number
}

/** What an entry costs beside its text: the map's slot, the object, the strings' heads. Roughly, as V8 has it. */
const ENTRY_OVERHEAD_BYTES = 120

export interface MemoryCacheOptions {
  readonly clock?: Clock
  /** What the entries may take, by estimate. @default 64 MiB */
  readonly maxBytes?: number
}

/** A cache inside the process: the entry read longest ago makes room for a new one. */
export function memoryCache(options: MemoryCacheOptions = {}): Cache {
  return new MemoryCache(options.clock ?? systemClock, options.maxBytes ?? 64 * 1024 * 1024)
}

class MemoryCache implements Cache {
  readonly #clock: Clock
  readonly #maxBytes: number
  /** In order of use: a Map iterates in order of insertion, so a used entry is taken out and put in again. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  get(key: string): string | undefined {
    const entry = this.#live(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#remove(key)
    const bytes = 2 * (key.length + value.length) + ENTRY_OVERHEAD_BYTES
    if (bytes > this.#maxBytes) return Promise.resolve()
    this.#entries.set(key, { value, expiresAt: this.#clock() + ttlMs, bytes })
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#remove(oldest)
    }
    return Promise.resolve()
  }

  async setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    if (this.#live(key) !== undefined) return false
    await this.set(key, value, ttlMs)
    return this.#entries.has(key)
  }

  delete(...keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#remove(key)
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#entries.clear()
    this.#bytes = 0
    return Promise.resolve()
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#clock() < entry.expiresAt) return entry
    this.#remove(key)
    return undefined
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
