import type { Clock } from '#src/core/clock.ts'
import { BoundedMap, type Sized } from './bounded-map.ts'

export interface Copy {
  readonly value: string
  readonly expiresAt: number
}

/** What a copy costs beside its text, roughly, as V8 has it. */
const COPY_OVERHEAD_BYTES = 200

/**
 * Copies of values whose store tells when one is no longer what it was. What is not read makes room. A value
 * that is being read is announced before, so that a change which is told while it is on its way is not lost on it.
 */
export class Copies {
  readonly #clock: Clock
  readonly #copies: BoundedMap<Copy & Sized>
  readonly #expected = new Map<string, object>()

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#copies = new BoundedMap(maxBytes)
  }

  get(key: string): string | undefined {
    const copy = this.#copies.get(key)
    if (copy === undefined) return undefined
    if (this.#clock() < copy.expiresAt) return copy.value
    this.#copies.delete(key)
    return undefined
  }

  /** Before the store is asked. What it returns goes to `keep` with the answer. */
  expect(key: string): object {
    const expected = this.#expected.get(key) ?? {}
    this.#expected.set(key, expected)
    return expected
  }

  /** Keeps the answer, unless the key was forgotten since it was asked for. */
  keep(key: string, expected: object, copy: Copy | undefined): void {
    if (this.#expected.get(key) !== expected) return
    this.forget(key)
    if (copy !== undefined) this.#copies.set(key, { ...copy, bytes: bytesOf(key, copy) })
  }

  forget(key: string): void {
    this.#expected.delete(key)
    this.#copies.delete(key)
  }

  forgetAll(): void {
    this.#expected.clear()
    this.#copies.clear()
  }
}

function bytesOf(key: string, { value }: Copy): number {
  return 2 * (key.length + value.length) + COPY_OVERHEAD_BYTES
}
