import { type Clock, systemClock } from '#src/core/clock.ts'
import type { Cache } from '#src/ports/cache.ts'
import { BoundedMap, type Sized } from './bounded-map.ts'

interface Entry extends Sized {
  readonly value: string
  readonly expiresAt: number
}

/** What an entry costs beside its text: the map's slot, the object, the strings' heads. Roughly, as V8 has it. */
const ENTRY_OVERHEAD_BYTES = 120

export interface MemoryCacheOptions {
  readonly clock?: Clock
  /** What the entries may take, by estimate. @default 64 MiB */
  readonly maxBytes?: number
}

/** A cache inside the process: what is not read makes room. */
export function memoryCache(options: MemoryCacheOptions = {}): Cache {
  return new MemoryCache(options.clock ?? systemClock, options.maxBytes ?? 64 * 1024 * 1024)
}

class MemoryCache implements Cache {
  readonly #clock: Clock
  readonly #entries: BoundedMap<Entry>

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#entries = new BoundedMap(maxBytes)
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (this.#clock() < entry.expiresAt) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#put(key, value, ttlMs)
    return Promise.resolve()
  }

  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean> {
    return Promise.resolve(this.get(key) === undefined && this.#put(key, value, ttlMs))
  }

  delete(...keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key)
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#entries.clear()
    return Promise.resolve()
  }

  #put(key: string, value: string, ttlMs: number): boolean {
    const bytes = 2 * (key.length + value.length) + ENTRY_OVERHEAD_BYTES
    return this.#entries.set(key, { value, expiresAt: this.#clock() + ttlMs, bytes })
  }
}
