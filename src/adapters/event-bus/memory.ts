import type { Logger } from '#src/core/logger.ts'
import type { BusListener, EventBus } from '#src/ports/event-bus.ts'
import { Listeners } from './listeners.ts'

/** An event bus inside the process: nothing is ever lost on it. */
export function memoryEventBus({ log }: { readonly log: Logger }): EventBus {
  return new MemoryEventBus(new Listeners(log))
}

class MemoryEventBus implements EventBus {
  readonly #listeners: Listeners

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  async publish(channel: string, payload: string): Promise<void> {
    // As through a network: no listener runs within the call of the publisher.
    await Promise.resolve()
    this.#listeners.tellEvent(channel, payload)
  }

  subscribe(channel: string, listener: BusListener): Disposable {
    this.#listeners.add(channel, listener)
    queueMicrotask(() => this.#listeners.tellListening(channel, listener))
    return { [Symbol.dispose]: () => void this.#listeners.remove(channel, listener) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear()
    return Promise.resolve()
  }
}
