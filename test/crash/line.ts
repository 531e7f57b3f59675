import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** How a line is: `stalled` keeps everything back, `slow` lets a few bytes through at a time. */
export type Condition = 'well' | 'stalled' | 'slow'

const SLOW_PIECE_BYTES = 128
const SLOW_EVERY_MS = 4

/** A TCP line to a server on 127.0.0.1 that can be cut, can stall and can be slow, in both directions. */
export class Line implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #lanes = new Set<Lane>()
  #condition: Condition = 'well'

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')))
  }

  static async start(targetPort: number): Promise<Line> {
    const line = new Line(targetPort)
    line.#server.listen(0, '127.0.0.1')
    await once(line.#server, 'listening')
    return line
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Also of connections that are open. */
  become(condition: Condition): void {
    this.#condition = condition
    for (const lane of this.#lanes) lane.pump()
  }

  /** Breaks every connection; new ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket, server: Socket): void {
    const lanes = [new Lane(client, server, () => this.#condition), new Lane(server, client, () => this.#condition)]
    for (const lane of lanes) this.#lanes.add(lane)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const lane of lanes) this.#lanes.delete(lane)
        client.destroy()
        server.destroy()
      })
    }
  }
}

/** One direction of a connection. */
class Lane {
  readonly #to: Socket
  readonly #condition: () => Condition
  #kept: Buffer[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, condition: () => Condition) {
    this.#to = to
    this.#condition = condition
    from.on('data', (bytes) => {
      this.#kept.push(bytes)
      this.pump()
    })
  }

  pump(): void {
    if (this.#timer !== undefined || this.#kept.length === 0 || this.#condition() === 'stalled') return
    const bytes = Buffer.concat(this.#kept)
    const piece = this.#condition() === 'slow' ? bytes.subarray(0, SLOW_PIECE_BYTES) : bytes
    const rest = bytes.subarray(piece.length)
    this.#kept = rest.length === 0 ? [] : [rest]
    if (!this.#to.destroyed) this.#to.write(piece)
    if (rest.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.pump()
    }, SLOW_EVERY_MS)
  }
}
