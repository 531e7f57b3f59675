import type { ExchangeDeclaration } from '#src/ports/broker.ts'
import { topicMatches } from './topic-match.ts'

/** Knows which queues, by name, are bound with which keys. */
export class MemoryExchange {
  readonly declaration: ExchangeDeclaration
  readonly #keysByQueue = new Map<string, Set<string>>()

  constructor(declaration: ExchangeDeclaration) {
    this.declaration = declaration
  }

  bind(queue: string, key: string): void {
    const keys = this.#keysByQueue.get(queue)
    if (keys === undefined) this.#keysByQueue.set(queue, new Set([key]))
    else keys.add(key)
  }

  /** True when this took its last binding. */
  unbind(queue: string): boolean {
    return this.#keysByQueue.delete(queue) && this.#keysByQueue.size === 0
  }

  /** Each queue once, however many of its keys match. */
  route(routingKey: string): string[] {
    const queues: string[] = []
    for (const [queue, keys] of this.#keysByQueue) {
      if (this.#matches(keys, routingKey)) queues.push(queue)
    }
    return queues
  }

  #matches(keys: ReadonlySet<string>, routingKey: string): boolean {
    switch (this.declaration.type) {
      case 'fanout':
        return true
      case 'direct':
        return keys.has(routingKey)
      case 'topic':
        return keys.values().some((pattern) => topicMatches(pattern, routingKey))
    }
  }
}
