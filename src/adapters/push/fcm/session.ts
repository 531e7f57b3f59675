import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Logger } from '#src/core/logger.ts'
import { StreamExchange, type StreamRequest, type StreamResult } from './stream-exchange.ts'
import { plainHost } from '../../http-connect/tunnel.ts'
import { openTls, type RouteOptions } from './tls-route.ts'

export interface SessionOptions extends RouteOptions {
  readonly baseUrl: URL
  /** Our own bound on streams at once; the peer's is kept too. */
  readonly maxStreams: number
  /** How often a session with open streams and no sign of life is asked for one, and how long it has to answer. */
  readonly pingEveryMs: number
  readonly idleCloseMs: number
  readonly log: Logger
}

/** One long-lived HTTP/2 connection. It announces by `onChange` that a stream is free again or that it ended. */
export class FcmSession {
  readonly #session: ClientHttp2Session
  readonly #options: SessionOptions
  readonly #onChange: () => void
  readonly #heartbeat: NodeJS.Timeout
  #peerMaxStreams: number
  #lastProcessed = Number.POSITIVE_INFINITY
  readonly #getLastProcessed = (): number => this.#lastProcessed
  #openStreams = 0
  #isLeaving = false
  #lastUsedAtMs = performance.now()
  #answersAtLastBeat = 0
  #answers = 0
  #isPinging = false

  /** Resolves once the peer's settings are known: until then its limit on streams is not. */
  static async open(options: SessionOptions, onChange: () => void): Promise<FcmSession> {
    const { baseUrl, connectTimeoutMs, log } = options
    const port = Number(baseUrl.port === '' ? 443 : baseUrl.port)
    const socket = await openTls(plainHost(baseUrl), port, 'h2', options)
    const session = connect(baseUrl.origin, { createConnection: () => socket })
    // Node ends a connection that the peer has left with a protocol error: no news then.
    let isLeft = false
    session.on('goaway', () => {
      isLeft = true
    })
    session.on('error', (error) => {
      if (!isLeft) log.warn({ reason: error.message }, 'FCM connection failed')
    })
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(new Error('FCM did not begin to speak in time')), connectTimeoutMs)
    session.once('close', () => giveUp.abort(new Error('the connection was closed before FCM began to speak')))
    try {
      await once(session, 'remoteSettings', { signal: giveUp.signal })
    } catch (error) {
      session.destroy()
      throw giveUp.signal.aborted ? giveUp.signal.reason : error
    } finally {
      clearTimeout(timer)
    }
    return new FcmSession(session, options, onChange)
  }

  private constructor(session: ClientHttp2Session, options: SessionOptions, onChange: () => void) {
    this.#session = session
    this.#options = options
    this.#onChange = onChange
    this.#peerMaxStreams = session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY
    session.on('remoteSettings', (settings) => {
      this.#peerMaxStreams = settings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY
      onChange()
    })
    session.on('goaway', (code, lastStreamId) => {
      this.#isLeaving = true
      this.#lastProcessed = Math.min(this.#lastProcessed, lastStreamId)
      options.log.info({ code }, 'FCM asked to leave the connection')
    })
    session.on('close', () => {
      clearInterval(this.#heartbeat)
      onChange()
    })
    this.#heartbeat = setInterval(() => this.#beat(), options.pingEveryMs)
    this.#heartbeat.unref()
  }

  get isUsable(): boolean {
    return !this.#isLeaving && !this.#session.closed && !this.#session.destroyed
  }

  get openStreams(): number {
    return this.#openStreams
  }

  get freeStreams(): number {
    return this.isUsable ? Math.min(this.#options.maxStreams, this.#peerMaxStreams) - this.#openStreams : 0
  }

  /** Takes one of the free streams; the `post` that follows gives it back. */
  reserve(): void {
    this.#openStreams += 1
  }

  /** Sends on a reserved stream. Always resolves. */
  post(request: StreamRequest): Promise<StreamResult> {
    return new Promise((resolve) => {
      const settle = (result: StreamResult): void => {
        if (result.kind === 'answered') this.#answers += 1
        this.#openStreams -= 1
        this.#lastUsedAtMs = performance.now()
        resolve(result)
        this.#onChange()
      }
      // Aborted in the moment between the reservation and now: nobody would hear of it any more.
      if (request.signal?.aborted === true) return settle({ kind: 'not_processed' })
      try {
        void new StreamExchange(this.#session, request, this.#getLastProcessed, settle)
      } catch {
        // The session ended between the reservation and the request: nothing was written.
        settle({ kind: 'not_processed' })
      }
    })
  }

  /** Lets open streams end, opens no more. */
  leave(): void {
    this.#isLeaving = true
    this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }

  #beat(): void {
    const { idleCloseMs, log } = this.#options
    if (this.#openStreams === 0) {
      // Firewalls forget silent connections without a word: better closed by us than found dead by an urgent push.
      if (performance.now() - this.#lastUsedAtMs > idleCloseMs) this.leave()
      return
    }
    const hasAnswered = this.#answers !== this.#answersAtLastBeat
    this.#answersAtLastBeat = this.#answers
    if (hasAnswered) return
    if (this.#isPinging) {
      log.warn('FCM connection gives no sign of life')
      this.#session.destroy()
      return
    }
    this.#isPinging = this.#session.ping((error) => {
      if (error === null) this.#isPinging = false
    })
  }
}
