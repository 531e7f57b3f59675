import type { Logger } from '#src/core/logger.ts'

/** Anything long-lived. Closing twice, or before the start has ended, is safe. */
export interface Closeable {
  close(): Promise<void>
}

/**
 * Runs each closer in order, the last opened first, and goes on when one fails: a stuck cache must not keep
 * the database open. Every failure is logged by name.
 */
export class CloseStack implements Closeable {
  readonly #log: Logger
  readonly #closers: { name: string; close: () => Promise<void> | void }[] = []
  #closing: Promise<void> | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Registers how `name` is closed and hands `resource` through. */
  add<T extends Closeable>(name: string, resource: T): T {
    this.defer(name, () => resource.close())
    return resource
  }

  /** As `add`, for what is disposed of rather than closed. */
  use<T extends AsyncDisposable>(name: string, resource: T): T {
    this.defer(name, async () => resource[Symbol.asyncDispose]())
    return resource
  }

  /** What is opened while the stack is closing (a stop in the middle of a start) is closed at once. */
  defer(name: string, close: () => Promise<void> | void): void {
    this.#closers.push({ name, close })
    if (this.#closing !== undefined) this.#closing = this.#closing.then(() => this.#closeAll())
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer.close()
      } catch (error) {
        this.#log.error({ err: error, part: closer.name }, 'could not be closed')
      }
    }
  }
}
