import type { Logger } from '#src/core/logger.ts'
import type { BusListener } from '#src/ports/event-bus.ts'

/** Who listens in this process, by channel. */
export class Listeners {
  readonly #log: Logger
  readonly #channels = new Map<string, Set<BusListener>>()

  constructor(log: Logger) {
    this.#log = log
  }

  get channels(): string[] {
    return [...this.#channels.keys()]
  }

  /** Returns whether it is the first of its channel. */
  add(channel: string, listener: BusListener): boolean {
    const known = this.#channels.get(channel)
    known?.add(listener)
    if (known === undefined) this.#channels.set(channel, new Set([listener]))
    return known === undefined
  }

  /** Returns whether it was the last of its channel. */
  remove(channel: string, listener: BusListener): boolean {
    const known = this.#channels.get(channel)
    if (known?.delete(listener) !== true || known.size > 0) return false
    return this.#channels.delete(channel)
  }

  clear(): void {
    this.#channels.clear()
  }

  tellEvent(channel: string, payload: string): void {
    this.#each(channel, (listener) => listener.onEvent(payload))
  }

  /** Tells all of the channel, or `only` one while it still listens. */
  tellListening(channel: string, only?: BusListener): void {
    this.#each(channel, (listener) => {
      if (only === undefined || listener === only) listener.onListening()
    })
  }

  #each(channel: string, tell: (listener: BusListener) => void): void {
    for (const listener of this.#channels.get(channel) ?? []) {
      try {
        tell(listener)
      } catch (error) {
        this.#log.error({ err: error, channel }, 'a listener on the event bus failed')
      }
    }
  }
}
