import type { Stream } from './stream.ts'

/** The streams that are open in this process. */
export class Streams {
  readonly #byAccount = new Map<string, Set<Stream>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  add(stream: Stream): void {
    const known = this.#byAccount.get(stream.accountId)
    known?.add(stream)
    if (known === undefined) this.#byAccount.set(stream.accountId, new Set([stream]))
    this.#count += 1
  }

  remove(stream: Stream): void {
    const known = this.#byAccount.get(stream.accountId)
    if (known?.delete(stream) !== true) return
    this.#count -= 1
    if (known.size === 0) this.#byAccount.delete(stream.accountId)
  }

  of(accountId: string): Stream[] {
    return [...(this.#byAccount.get(accountId) ?? [])]
  }

  has(accountId: string): boolean {
    return this.#byAccount.has(accountId)
  }

  accounts(): string[] {
    return [...this.#byAccount.keys()]
  }

  all(): Stream[] {
    return [...this.#byAccount.values()].flatMap((streams) => [...streams])
  }
}
