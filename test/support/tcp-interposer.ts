import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

/**
 * What happens to the next thing that the server says: `hang` lets its first bytes through and then nothing more on
 * that connection, `die` cuts the connection after them, `garble` leaves the frame and replaces the content, `hold`
 * keeps all of it back until `release`.
 */
export type Fault = 'hang' | 'die' | 'garble' | 'hold'

/** Of a TDS packet. */
const HEADER_BYTES = 8
/** The header and the start of the content. */
const LET_THROUGH_BYTES = 24

/** Stands between a client and a server on 127.0.0.1 and spoils one answer when told to. */
export class TcpInterposer implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #next: Fault | undefined
  #happened = Promise.withResolvers<void>()
  #held: (() => void)[] = []

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')))
  }

  /** @param port to listen on: of one that was closed, to come back there; a free one unless given */
  static async start(targetPort: number, port?: number): Promise<TcpInterposer> {
    const interposer = new TcpInterposer(targetPort)
    // Not one that the system chooses: while nobody listens on that, it may be given to somebody else.
    interposer.#server.listen(port ?? (await freePort()), '127.0.0.1')
    await once(interposer.#server, 'listening')
    return interposer
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return address.port
  }

  /** Spoils the next answer; resolves once that has begun. */
  spoilNext(fault: Fault): Promise<void> {
    this.#next = fault
    this.#happened = Promise.withResolvers()
    return this.#happened.promise
  }

  /** Cuts every connection that is open now, and waits until both ends know. */
  async cutAll(): Promise<void> {
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    )
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }

  release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  #join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    client.pipe(server)
    let isDeaf = false
    server.on('data', (chunk) => {
      if (isDeaf) return
      const fault = this.#next
      this.#next = undefined
      if (fault === undefined) return void client.write(chunk)
      this.#happened.resolve()
      isDeaf = fault === 'hang'
      this.#spoil(fault, client, chunk)
    })
  }

  #spoil(fault: Fault, client: Socket, chunk: Buffer): void {
    if (fault === 'hold') return void this.#held.push(() => client.write(chunk))
    const begun = chunk.subarray(0, Math.min(LET_THROUGH_BYTES, chunk.length - 1))
    if (fault === 'garble') return void client.write(Buffer.from(chunk).fill(0x00, HEADER_BYTES))
    client.write(begun, () => (fault === 'die' ? client.destroy() : undefined))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.#server.close(() => closed.resolve())
    for (const socket of this.#sockets) socket.destroy()
    await closed.promise
  }
}
