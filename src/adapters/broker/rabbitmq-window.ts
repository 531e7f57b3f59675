/** So many may be inside; the others wait, first come first served. */
export class Window {
  readonly #size: number
  readonly #waiting = new Set<() => void>()
  readonly #idle = new Set<() => void>()
  #inside = 0

  constructor(size: number) {
    this.#size = size
  }

  /**
   * Resolves when there is room, which then is taken until `leave`. Rejects with the signal's reason.
   * Not an async function: callers who need not wait would overtake those who just have been let in.
   */
  enter(signal?: AbortSignal): Promise<void> {
    if (this.#inside < this.#size) {
      this.#inside += 1
      return Promise.resolve()
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const letIn = (): void => {
      signal?.removeEventListener('abort', giveUp)
      resolve()
    }
    const giveUp = (): void => {
      this.#waiting.delete(letIn)
      reject(signal?.reason)
    }
    this.#waiting.add(letIn)
    signal?.addEventListener('abort', giveUp, { once: true })
    return promise
  }

  leave(): void {
    const [next] = this.#waiting
    if (next !== undefined) {
      this.#waiting.delete(next)
      return next()
    }
    this.#inside -= 1
    if (this.#inside > 0) return
    for (const resolve of this.#idle) resolve()
    this.#idle.clear()
  }

  /** Resolves when nobody is inside. */
  idle(): Promise<void> {
    if (this.#inside === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.add(resolve))
  }
}
