import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { onAbort } from '../shared-abort.ts'

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

export interface StreamRequest {
  /** Names and values in turn, as HTTP/2 sends them: Node need not take an object apart for each push. */
  readonly headers: readonly string[]
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

const ANSWER_LIMIT_BYTES = 100_000

/** One POST on a session. Calls `onResult` exactly once. */
export class StreamExchange {
  readonly #session: ClientHttp2Session
  readonly #stream: ClientHttp2Stream
  readonly #lastProcessed: () => number
  readonly #onResult: (result: StreamResult) => void
  readonly #timer: NodeJS.Timeout
  readonly #stopListening: (() => void) | undefined
  #status = 0
  #retryAfter: string | undefined
  #body: Buffer | undefined
  #isSettled = false

  /**
   * @param lastProcessed the highest stream that the peer's GOAWAY owned up to; infinite without one
   * @throws Error when the session has ended: nothing was written
   */
  constructor(
    session: ClientHttp2Session,
    request: StreamRequest,
    lastProcessed: () => number,
    onResult: (result: StreamResult) => void,
  ) {
    this.#lastProcessed = lastProcessed
    this.#onResult = onResult
    this.#session = session
    const stream = session.request(request.headers)
    this.#stream = stream
    stream.on('response', (received) => {
      this.#status = Number(received[':status'])
      const retryAfter = received['retry-after']
      if (typeof retryAfter === 'string') this.#retryAfter = retryAfter
    })
    stream.on('data', (chunk: Buffer) => {
      if (this.#body === undefined) this.#body = chunk
      else if (this.#body.length < ANSWER_LIMIT_BYTES) this.#body = Buffer.concat([this.#body, chunk])
    })
    stream.on('end', () => this.#end())
    stream.on('error', ignore)
    stream.on('close', () => this.#close())
    this.#timer = setTimeout(giveUpLate, request.timeoutMs, this)
    this.#stopListening =
      request.signal === undefined ? undefined : onAbort(request.signal, () => this.giveUp('ABORTED'))
    stream.end(request.body)
  }

  giveUp(reason: 'TIMEOUT' | 'ABORTED'): void {
    this.#settle({ kind: 'unknown', reason })
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #end(): void {
    // A reset in mid-answer ends the readable side too; the close that follows tells them apart.
    if (this.#status === 0 || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR || this.#stream.aborted) return
    const body = this.#body === undefined ? '' : this.#body.toString()
    this.#settle({ kind: 'answered', status: this.#status, retryAfter: this.#retryAfter, body })
  }

  #close(): void {
    if (this.#isSettled) return
    const { id, rstCode } = this.#stream
    const isDisowned = id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM || id > this.#lastProcessed()
    if (isDisowned) this.#settle({ kind: 'not_processed' })
    else this.#settle({ kind: 'unknown', reason: this.#session.destroyed ? 'CONNECTION_LOST' : 'RESET' })
  }

  #settle(result: StreamResult): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#stopListening?.()
    this.#onResult(result)
  }
}

const ignore = (): void => undefined
const giveUpLate = (exchange: StreamExchange): void => exchange.giveUp('TIMEOUT')
