import { type ClientHttp2Session, type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'

/** How one request over HTTP/2 ended. */
export type StreamResult =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly retryAfter: string | undefined
      readonly body: string
    }
  /** The peer says, or it is certain, that it never looked at the request: it can be sent again at once. */
  | { readonly kind: 'not_processed' }
  /** The request may have been processed. */
  | { readonly kind: 'unknown'; readonly reason: 'TIMEOUT' | 'RESET' | 'CONNECTION_LOST' | 'ABORTED' }

const ANSWER_LIMIT_CHARS = 100_000

/** One POST on a session. Always resolves, exactly once. */
export class StreamExchange {
  readonly result: Promise<StreamResult>
  readonly #session: ClientHttp2Session
  readonly #stream: ClientHttp2Stream
  readonly #lastProcessed: () => number
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  #resolve!: (result: StreamResult) => void
  #status = 0
  #retryAfter: string | undefined
  #body = ''
  #isSettled = false

  /** @param lastProcessed the highest stream that the peer's GOAWAY owned up to; infinite without one */
  constructor(
    session: ClientHttp2Session,
    headers: OutgoingHttpHeaders,
    body: string,
    limits: { timeoutMs: number; signal: AbortSignal | undefined },
    lastProcessed: () => number,
  ) {
    this.result = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#lastProcessed = lastProcessed
    this.#signal = limits.signal
    this.#session = session
    const stream = session.request(headers)
    this.#stream = stream
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      this.#status = Number(received[':status'])
      const retryAfter = received['retry-after']
      if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
    })
    stream.on('data', (chunk: string) => {
      if (this.#body.length < ANSWER_LIMIT_CHARS) this.#body += chunk
    })
    stream.on('end', () => this.#end())
    stream.on('error', () => undefined)
    stream.on('close', () => this.#close())
    this.#timer = setTimeout(() => this.#giveUp('TIMEOUT'), limits.timeoutMs)
    this.#signal?.addEventListener('abort', this.#abort)
    stream.end(body)
  }

  readonly #abort = (): void => this.#giveUp('ABORTED')

  #end(): void {
    // A reset in mid-answer ends the readable side too; the close that follows tells them apart.
    if (this.#status === 0 || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR || this.#stream.aborted) return
    this.#settle({ kind: 'answered', status: this.#status, retryAfter: this.#retryAfter, body: this.#body })
  }

  #close(): void {
    const { id, rstCode } = this.#stream
    const isDisowned = id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM || id > this.#lastProcessed()
    if (isDisowned) this.#settle({ kind: 'not_processed' })
    else this.#settle({ kind: 'unknown', reason: this.#session.destroyed ? 'CONNECTION_LOST' : 'RESET' })
  }

  #giveUp(reason: 'TIMEOUT' | 'ABORTED'): void {
    this.#settle({ kind: 'unknown', reason })
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #settle(result: StreamResult): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#resolve(result)
  }
}
