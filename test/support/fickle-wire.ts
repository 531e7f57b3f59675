import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * - `open`: passes everything on.
 * - `silent`: takes connections and says nothing, as a server that hangs or a firewall that drops what comes back.
 * - `refusing`: hangs up at once.
 */
export type WireState = 'open' | 'silent' | 'refusing'

/** The way to a server on 127.0.0.1, which can go and come back, and counts who stands on it. */
export class FickleWire implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #targetPort: number
  #clients = 0
  #mostClients = 0
  #state: WireState = 'open'

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => this.#join(client))
  }

  static async start(targetPort: number): Promise<FickleWire> {
    const wire = new FickleWire(targetPort)
    wire.#server.listen(0, '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The most connections that were open at a time. */
  get mostClients(): number {
    return this.#mostClients
  }

  /** Whoever stands on it falls off, but when it becomes silent: then nothing more is heard. */
  turn(state: WireState): void {
    this.#state = state
    for (const socket of this.#sockets) {
      if (state === 'silent') socket.unpipe().resume()
      else socket.destroy()
    }
  }

  #join(client: Socket): void {
    this.#watch(client)
    this.#clients += 1
    this.#mostClients = Math.max(this.#mostClients, this.#clients)
    client.on('close', () => (this.#clients -= 1))
    if (this.#state === 'refusing') client.destroy()
    else if (this.#state === 'silent') client.resume()
    else this.#passOn(client)
  }

  #passOn(client: Socket): void {
    const server = connect(this.#targetPort, '127.0.0.1')
    this.#watch(server)
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
    client.pipe(server).pipe(client)
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
