/** Slots that only one queue may use, so that a flood in another does not delay it. */
export interface Reserve {
  readonly queue: string
  readonly slots: number
}

/**
 * Who runs next: of the queues with something ready, always the most urgent one that a slot is free for; within a
 * queue, first come first served.
 */
export class Admission<T> {
  readonly #ready: Map<string, T[]>
  #concurrency: number
  readonly #reserve: Reserve | undefined
  readonly #running = new Map<string, number>()

  /** @param queues the most urgent first */
  constructor(queues: readonly string[], concurrency: number, reserve?: Reserve) {
    if (reserve !== undefined && (!queues.includes(reserve.queue) || reserve.slots > concurrency)) {
      throw new RangeError(`${reserve.slots} of ${concurrency} slots cannot be kept for queue ${reserve.queue}`)
    }
    if (reserve !== undefined && reserve.slots === concurrency && queues.length > 1) {
      throw new RangeError('with every slot kept for one queue the others would never run')
    }
    this.#ready = new Map(queues.map((queue) => [queue, []]))
    this.#concurrency = concurrency
    this.#reserve = reserve
  }

  get running(): number {
    return this.#running.values().reduce((sum, count) => sum + count, 0)
  }

  get waiting(): number {
    return this.#ready.values().reduce((sum, items) => sum + items.length, 0)
  }

  get concurrency(): number {
    return this.#concurrency
  }

  /** Every item that has no slot yet, the next to run first. */
  get items(): T[] {
    return [...this.#ready.values()].flat()
  }

  /** Fewer slots take effect as tasks finish. */
  resize(concurrency: number): void {
    this.#concurrency = concurrency
  }

  /** The least urgent of all from now on. */
  addQueue(queue: string): void {
    if (!this.#ready.has(queue)) this.#ready.set(queue, [])
  }

  /** What was ready in it. */
  removeQueue(queue: string): T[] {
    const items = this.removeAll(queue)
    this.#ready.delete(queue)
    return items
  }

  add(queue: string, item: T): void {
    this.#ready.get(queue)?.push(item)
  }

  /** The next to run, whose slot is taken until `finished`; undefined when nothing may run now. */
  admit(): T | undefined {
    for (const [queue, items] of this.#ready) {
      if (items.length > 0 && this.#hasSlotFor(queue)) {
        this.#running.set(queue, (this.#running.get(queue) ?? 0) + 1)
        return items.shift()
      }
    }
    return undefined
  }

  finished(queue: string): void {
    this.#running.set(queue, (this.#running.get(queue) ?? 0) - 1)
  }

  /** Takes out what is ready and has not started. */
  removeAll(queue: string): T[] {
    return this.#ready.get(queue)?.splice(0) ?? []
  }

  #hasSlotFor(queue: string): boolean {
    if (this.running >= this.#concurrency) return false
    if (this.#reserve === undefined || queue === this.#reserve.queue) return true
    const others = this.running - (this.#running.get(this.#reserve.queue) ?? 0)
    // One slot is left to the others however small the worker was made.
    return others < Math.max(1, this.#concurrency - this.#reserve.slots)
  }
}
