import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { BODY_LIMIT_BYTES, type Exchange, type ExchangeHandler } from './exchange.ts'

type Headers = Readonly<Record<string, string>>

/** An HTTP/1.1 server without a socket of its own: connections are handed to it by `emit('connection', socket)`. */
export function http1Exchanges(handle: ExchangeHandler): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes <= BODY_LIMIT_BYTES) chunks.push(chunk)
    })
    request.on('error', () => undefined)
    request.on('end', () => {
      const body = sizeBytes > BODY_LIMIT_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
      handle(new Http1Exchange(request, response, body))
    })
  })
}

class Http1Exchange implements Exchange {
  readonly protocol = '1.1'
  readonly method: string
  readonly path: string
  readonly body: string | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, body: string | undefined) {
    this.#request = request
    this.#response = response
    this.method = request.method ?? ''
    this.path = request.url ?? ''
    this.body = body
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return typeof value === 'string' ? value : undefined
  }

  /** HTTP/1.1 cannot disown a request. */
  take(): void {}

  answer(status: number, headers: Headers, body: string): void {
    this.#response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  }

  answerHalf(status: number, headers: Headers, body: string): void {
    this.#response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    this.#response.write(body.slice(0, body.length / 2))
  }

  reset(): void {
    this.#request.socket.destroy()
  }

  refuse(): void {
    this.reset()
  }

  goaway(): void {
    this.reset()
  }
}
