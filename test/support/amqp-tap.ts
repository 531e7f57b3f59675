import { connect, createServer, type Server, type Socket } from 'node:net'

const PROTOCOL_HEADER_BYTES = 8
const FRAME_HEADER_BYTES = 7
const METHOD_FRAME = 1

/** What a client sent as a method: `queue.declare` is class 50, method 10. */
export interface SentMethod {
  readonly classId: number
  readonly methodId: number
  /** The arguments as on the wire. */
  readonly args: Buffer
}

/** Stands between clients and an AMQP server, changes nothing and writes down what clients send. */
export class AmqpTap implements AsyncDisposable {
  readonly methods: SentMethod[] = []
  /** Every byte that clients sent. */
  readonly bytes: Buffer[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')))
  }

  /** @param url of the server; the tap's own is `urlOf` it */
  static async start(url: string): Promise<AmqpTap> {
    const tap = new AmqpTap(Number(new URL(url).port))
    await new Promise<void>((resolve) => tap.#server.listen(0, '127.0.0.1', resolve))
    return tap
  }

  urlOf(url: string): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return Object.assign(new URL(url), { port: `${address.port}` }).href
  }

  sent(classId: number, methodId: number): Buffer[] {
    return this.methods
      .filter((method) => method.classId === classId && method.methodId === methodId)
      .map(({ args }) => args)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
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
    server.pipe(client)
    let rest: Buffer = Buffer.alloc(0)
    let hasGreeted = false
    client.on('data', (chunk) => {
      this.bytes.push(chunk)
      rest = Buffer.concat([rest, chunk])
      if (!hasGreeted) {
        if (rest.length < PROTOCOL_HEADER_BYTES) return
        rest = rest.subarray(PROTOCOL_HEADER_BYTES)
        hasGreeted = true
      }
      rest = this.#read(rest)
    })
  }

  /** Whole frames are written down; returns what is left. */
  #read(bytes: Buffer): Buffer {
    let rest = bytes
    while (rest.length >= FRAME_HEADER_BYTES) {
      const size = rest.readUInt32BE(3)
      if (rest.length < FRAME_HEADER_BYTES + size + 1) break
      const payload = rest.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + size)
      if (rest[0] === METHOD_FRAME) {
        this.methods.push({
          classId: payload.readUInt16BE(0),
          methodId: payload.readUInt16BE(2),
          args: payload.subarray(4),
        })
      }
      rest = rest.subarray(FRAME_HEADER_BYTES + size + 1)
    }
    return rest
  }
}
