import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Where Node says that this process connects to somebody. */
const NEW_CONNECTION = 'net.client.socket'

/** The connections of this process to a port of 127.0.0.1, as it knows them itself: their other end hears later. */
export class OwnConnections implements Disposable {
  readonly #port: number
  readonly #open = new Set<Socket>()
  #most = 0

  /** Those that are made from now on. */
  constructor(port: number) {
    this.#port = port
    subscribe(NEW_CONNECTION, this.#note)
  }

  get count(): number {
    return this.#open.size
  }

  /** The most that were open at a time. */
  get most(): number {
    return this.#most
  }

  /** When each of those that are open now has closed. */
  async closed(): Promise<void> {
    await Promise.all([...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  }

  readonly #note = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket }
    socket.once('connect', () => {
      if (socket.remotePort !== this.#port) return
      this.#open.add(socket)
      this.#most = Math.max(this.#most, this.#open.size)
      socket.once('close', () => this.#open.delete(socket))
    })
  };

  [Symbol.dispose](): void {
    unsubscribe(NEW_CONNECTION, this.#note)
  }
}
