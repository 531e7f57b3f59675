import type { Timers } from '#src/core/timers.ts'
import type { TaskEnvelope } from '../message.ts'

const MOST_IDS = 50_000
const LIFETIME_MS = 3 * 3_600_000

/** Ids and stamps that must not run, in this worker and, through `hello`, in the next one that starts. Celery's own bounds: beyond, the oldest is forgotten. */
export class RevokedTasks {
  readonly #timers: Pick<Timers, 'now'>
  /** The oldest first. */
  readonly #ids = new Map<string, number>()
  readonly #stamps = new Map<string, Set<unknown>>()

  constructor(timers: Pick<Timers, 'now'>) {
    this.#timers = timers
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#ids.delete(id)
      this.#ids.set(id, this.#timers.now())
    }
    this.#purge()
  }

  /** @param stamps the values of each stamp that are revoked */
  addStamps(stamps: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [name, values] of Object.entries(stamps)) {
      const known = this.#stamps.get(name) ?? new Set()
      for (const value of values) known.add(value)
      this.#stamps.set(name, known)
    }
  }

  get ids(): string[] {
    this.#purge()
    return [...this.#ids.keys()]
  }

  has(envelope: Pick<TaskEnvelope, 'id' | 'stampedHeaders' | 'stamps'>): boolean {
    const addedAt = this.#ids.get(envelope.id)
    if (addedAt !== undefined && addedAt + LIFETIME_MS > this.#timers.now()) return true
    return (envelope.stampedHeaders ?? []).some((name) => {
      const revoked = this.#stamps.get(name)
      const value: unknown = envelope.stamps[name]
      return revoked !== undefined && (Array.isArray(value) ? value : [value]).some((one) => revoked.has(one))
    })
  }

  /**
   * As Python's set of the same kind travels: seconds of the machine's steady clock, which Python insists to find
   * as a float, so that none is ever whole.
   */
  toWire(): Readonly<Record<string, readonly [number, string]>> {
    const now = this.#timers.now()
    const steadySeconds = Number(process.hrtime.bigint()) / 1e9
    const secondsOf = (addedAt: number): number => {
      const seconds = steadySeconds - (now - addedAt) / 1000
      return Number.isInteger(seconds) ? seconds + 0.5 : seconds
    }
    this.#purge()
    return Object.fromEntries([...this.#ids].map(([id, addedAt]) => [id, [secondsOf(addedAt), id]]))
  }

  /** Takes over what another node knows. Its clock says nothing here: the ids count as revoked now. */
  addFromWire(wire: unknown): void {
    if (wire === null || typeof wire !== 'object') return
    this.add(Array.isArray(wire) ? wire.filter((id) => typeof id === 'string') : Object.keys(wire))
  }

  #purge(): void {
    const oldest = this.#timers.now() - LIFETIME_MS
    for (const [id, addedAt] of this.#ids) {
      if (this.#ids.size <= MOST_IDS && addedAt > oldest) return
      this.#ids.delete(id)
    }
  }
}
