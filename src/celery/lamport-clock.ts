/** Orders what several nodes say without trusting their clocks: every message carries a number, and a receiver goes beyond it. */
export class LamportClock {
  #value = 0

  get value(): number {
    return this.#value
  }

  /** The number for a message that is sent. */
  forward(): number {
    this.#value += 1
    return this.#value
  }

  /** Takes note of a received number; anything else than one of Celery's is ignored. */
  adjust(other: unknown): void {
    // A peer that counts from nonsense must not carry us beyond what the wire holds.
    if (typeof other !== 'number' || !Number.isSafeInteger(other) || other < 0 || other >= 2 ** 31 - 2 ** 20) return
    this.#value = Math.max(this.#value, other) + 1
  }
}
