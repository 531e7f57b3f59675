import { constants, createServer, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { BODY_LIMIT_BYTES, type Exchange, type ExchangeHandler } from './exchange.ts'

/** What FCM's own servers allow per connection. */
const MAX_CONCURRENT_STREAMS = 100
/** A client that stays after a GOAWAY is cut off. */
const LEAVE_LATEST_MS = 10_000

interface SessionState {
  /** The highest stream that was handed on: a GOAWAY must not disown it. */
  lastProcessed: number
  leaving: boolean
}

type Headers = Readonly<Record<string, string>>

/** An HTTP/2 server without a socket of its own: connections are handed to it by `emit('connection', socket)`. */
export function http2Exchanges(handle: ExchangeHandler): { server: Http2Server; goawayAll(): number } {
  const server = createServer({ settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS } })
  const sessions = new Map<Http2Session, SessionState>()
  server.on('session', (session) => {
    sessions.set(session, { lastProcessed: 0, leaving: false })
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    stream.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes <= BODY_LIMIT_BYTES) chunks.push(chunk)
    })
    stream.on('error', () => undefined)
    stream.on('end', () => {
      const session = stream.session
      const state = session === undefined ? undefined : sessions.get(session)
      if (session === undefined || state === undefined || stream.destroyed) return
      // After a GOAWAY the client counts the later streams as not processed: they must not be.
      if (state.leaving && (stream.id ?? 0) > state.lastProcessed) return disown(stream, state)
      const body = sizeBytes > BODY_LIMIT_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
      handle(new Http2Exchange(stream, headers, body, session, state))
    })
  })
  const goawayAll = (): number => {
    for (const [session, state] of sessions) leave(session, state)
    return sessions.size
  }
  return { server, goawayAll }
}

function leave(session: Http2Session, state: SessionState): void {
  if (state.leaving || session.destroyed) return
  state.leaving = true
  session.goaway(constants.NGHTTP2_NO_ERROR, state.lastProcessed)
  // It is the client that ends the connection when its streams are done. Closing here would write a second
  // GOAWAY with a higher stream, which a client must take for a broken protocol.
  setTimeout(() => session.destroy(), LEAVE_LATEST_MS).unref()
}

/** The GOAWAY says it of streams above the last processed one, but Node cannot write a GOAWAY with 0 there. */
function disown(stream: ServerHttp2Stream, state: SessionState): void {
  const isSaid = state.lastProcessed > 0 && (stream.id ?? 0) > state.lastProcessed
  if (!isSaid && !stream.destroyed) stream.close(constants.NGHTTP2_REFUSED_STREAM)
}

class Http2Exchange implements Exchange {
  readonly protocol = 'h2'
  readonly method: string
  readonly path: string
  readonly body: string | undefined
  readonly #stream: ServerHttp2Stream
  readonly #headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly #session: Http2Session
  readonly #state: SessionState

  constructor(
    stream: ServerHttp2Stream,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: string | undefined,
    session: Http2Session,
    state: SessionState,
  ) {
    this.#stream = stream
    this.#headers = headers
    this.#session = session
    this.#state = state
    this.method = this.header(':method') ?? ''
    this.path = this.header(':path') ?? ''
    this.body = body
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' ? value : undefined
  }

  take(): void {
    this.#process()
  }

  answer(status: number, headers: Headers, body: string): void {
    if (!this.#process()) return
    this.#stream.respond({ ':status': status, ...headers })
    this.#stream.end(body)
  }

  answerHalf(status: number, headers: Headers, body: string): void {
    if (!this.#process()) return
    this.#stream.respond({ ':status': status, ...headers })
    this.#stream.write(body.slice(0, body.length / 2))
  }

  reset(): void {
    if (this.#process()) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  refuse(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_REFUSED_STREAM)
  }

  goaway(): void {
    leave(this.#session, this.#state)
    disown(this.#stream, this.#state)
  }

  #process(): boolean {
    if (this.#stream.destroyed || this.#stream.closed) return false
    this.#state.lastProcessed = Math.max(this.#state.lastProcessed, this.#stream.id ?? 0)
    return true
  }
}
