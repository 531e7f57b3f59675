import { SourceUnavailable } from '#src/ports/meter-source.ts'

export interface BulkheadOptions {
  /** Questions under way at a time. */
  readonly concurrent: number
  /** How long a question waits for its turn before it is `too_slow`. */
  readonly waitTimeoutMs: number
}

/** Keeps a slow source from holding every request of the program: only so many wait for it, the others stand in line. */
export class Bulkhead {
  readonly #options: BulkheadOptions
  readonly #line = new Set<() => void>()
  #underWay = 0

  constructor(options: BulkheadOptions) {
    this.#options = options
  }

  async run<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.#underWay < this.#options.concurrent) this.#underWay += 1
    else await this.#waitForTurn(signal)
    try {
      return await ask()
    } finally {
      this.#passTurnOn()
    }
  }

  async #waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    const turn = Promise.withResolvers<void>()
    // Out of the line at once: a turn given to somebody who has left would be lost for good.
    const leave = (reason: unknown): void => {
      this.#line.delete(turn.resolve)
      turn.reject(reason)
    }
    const onAbort = (): void => leave(signal?.reason)
    const timer = setTimeout(() => leave(noTurn()), this.#options.waitTimeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#line.add(turn.resolve)
    try {
      await turn.promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** The place goes straight to the first in line, so that a newcomer cannot slip in between. */
  #passTurnOn(): void {
    const [first] = this.#line
    if (first === undefined) {
      this.#underWay -= 1
      return
    }
    this.#line.delete(first)
    first()
  }
}

const noTurn = (): SourceUnavailable => new SourceUnavailable('too_slow', { cause: new Error('no turn in time') })
