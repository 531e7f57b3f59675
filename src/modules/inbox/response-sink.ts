import type { ServerResponse } from 'node:http'
import type { Timers } from '#src/core/timers.ts'
import type { Sink } from './stream.ts'

/** What may wait for one client, beside the few hundred KB of the kernel: some forty messages of the largest kind. */
const MOST_WAITING_BYTES = 256 * 1024
/** A client that has gone without a word never takes the end. */
const END_LIMIT_MS = 5_000

/** An HTTP response that events are written to. A client that does not read is cut off: it can resume. */
export class ResponseSink implements Sink {
  readonly #response: ServerResponse
  readonly #timers: Timers
  onDrain = (): void => {}

  constructor(response: ServerResponse, timers: Timers) {
    this.#response = response
    this.#timers = timers
    response.on('drain', () => this.onDrain())
    // The client went away in the middle of a write; `close` follows.
    response.on('error', () => {})
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded
  }

  get isClogged(): boolean {
    return this.#response.writableNeedDrain
  }

  send(text: string): void {
    if (!this.isOpen) return
    this.#response.write(text)
    if (this.#response.writableLength > MOST_WAITING_BYTES) this.#response.destroy()
  }

  end(): void {
    if (!this.isOpen) return
    this.#response.end()
    const stop = this.#timers.after(END_LIMIT_MS, () => this.#response.destroy())
    this.#response.once('close', stop)
  }
}
