import type { Clock } from '#src/core/clock.ts'

export interface Copy {
  readonly value: string
  readonly expiresAt: number
}

/** What a copy costs beside its text, roughly, as V8 has it. */
const COPY_OVERHEAD_BYTES = 200

/**
 * Copies of values whose store tells when one is no longer what it was. The one read longest ago makes room. A value
 * that is being read is announced before, so that a change which is told while it is on its way is not lost on it.
 */
export class Copies {
  readonly #clock: Clock
  readonly #maxBytes: number
  /** In order of use: a Map iterates in order of insertion, so a used copy is taken out and put in again. */
  readonly #copies = new Map<string, Copy>()
  readonly #expected = new Map<string, object>()
  #bytes = 0

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  get(key: string): string | undefined {
    const copy = this.#copies.get(key)
    if (copy === undefined) return undefined
    this.#copies.delete(key)
    if (this.#clock() >= copy.expiresAt) {
      this.#bytes -= bytesOf(key, copy)
      return undefined
    }
    this.#copies.set(key, copy)
    return copy.value
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
    if (copy === undefined) return
    this.#copies.set(key, copy)
    this.#bytes += bytesOf(key, copy)
    for (const oldest of this.#copies.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#remove(oldest)
    }
  }

  forget(key: string): void {
    this.#expected.delete(key)
    this.#remove(key)
  }

  forgetAll(): void {
    this.#expected.clear()
    this.#copies.clear()
    this.#bytes = 0
  }

  #remove(key: string): void {
    const copy = this.#copies.get(key)
    if (copy === undefined) return
    this.#copies.delete(key)
    this.#bytes -= bytesOf(key, copy)
  }
}

function bytesOf(key: string, { value }: Copy): number {
  return 2 * (key.length + value.length) + COPY_OVERHEAD_BYTES
}
