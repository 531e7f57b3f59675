import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import { type Push, type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'
import { AccessToken, CredentialsRefused } from './access-token.ts'
import { type FcmCredentials, parseCredentials, readCredentials } from './credentials.ts'
import { judgeAnswer, readRetryAfter, RETRY_LEAST_MS } from './errors.ts'
import { encoderOf } from './message.ts'
import { FcmSession } from './session.ts'
import { NoStream, SessionPool } from './session-pool.ts'

export interface FcmGatewayOptions {
  /** A service account's key file, parsed, or where it is: exactly one of the two. */
  readonly credentials?: Readonly<Record<string, unknown>>
  readonly credentialsFile?: string
  /** Absent: FCM's own address. */
  readonly baseUrl?: string
  /** The only authorities trusted, for FCM and for the token endpoint, in PEM; absent: the system's. */
  readonly caPem?: string
  readonly caFile?: string
  /** An http(s) proxy that tunnels by CONNECT, also for the token endpoint; may carry `user:password@`. */
  readonly proxyUrl?: string
  readonly log: Logger
  readonly clock?: Clock
  /** HTTP/2 connections at most, 1 to 4. */
  readonly sessions?: number
  /** Streams at once on each, at most; the peer's own limit is kept too. */
  readonly maxStreams?: number
  /** How long one push may wait for its answer once it is on the wire; Google asks for at least 10 s. */
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  /** How often a silent connection with pushes on it is asked for a sign of life. */
  readonly pingEveryMs?: number
  /** How long closing waits for the pushes under way. */
  readonly drainMs?: number
}

const FCM_URL = 'https://fcm.googleapis.com'
const DEFAULTS = {
  // Opened as load asks for them: at 80 ms to Google and back, 90 streams carry about 1,100 pushes a second.
  sessions: 4,
  // Below the 100 that FCM allows: a stream given up by us counts at the peer until it has noticed.
  maxStreams: 90,
  timeoutMs: 15_000,
  connectTimeoutMs: 10_000,
  pingEveryMs: 5000,
  drainMs: 5000,
}
const IDLE_CLOSE_MS = 120_000
const ALARM_EVERY_MS = 60_000
/** A stream that the peer did not look at is sent once more; a peer that goes on refusing is overloaded. */
const SENDS_AT_MOST = 2

/**
 * Firebase Cloud Messaging over HTTP v1. Connects at the first push.
 * @throws PushGatewayUnusable when the credentials cannot be read; TypeError when an option makes no sense
 */
export function fcmGateway(options: FcmGatewayOptions): PushGateway {
  return new FcmGateway(options)
}

class FcmGateway implements PushGateway {
  readonly #token: AccessToken
  readonly #pool: SessionPool
  readonly #fixedHeaders: readonly string[]
  #headers: readonly string[] = []
  #headersToken: string | undefined
  readonly #clock: Clock
  readonly #log: Logger
  readonly #timeoutMs: number
  readonly #drainMs: number
  #alarmedAtMs = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(options: FcmGatewayOptions) {
    const credentials = chooseCredentials(options)
    const { log, clock = systemClock } = options
    const set = { ...DEFAULTS, ...definedNumbers(options) }
    const caPem = options.caFile === undefined ? options.caPem : readFileSync(options.caFile, 'utf8')
    const route = { caPem, proxyUrl: parseProxy(options.proxyUrl), connectTimeoutMs: set.connectTimeoutMs }
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = set.timeoutMs
    this.#drainMs = set.drainMs
    const baseUrl = parseBaseUrl(options.baseUrl ?? FCM_URL)
    const path = `/v1/projects/${encodeURIComponent(credentials.projectId)}/messages:send`
    const pseudo = { ':method': 'POST', ':authority': baseUrl.host, ':scheme': 'https', ':path': path }
    this.#fixedHeaders = Object.entries({ ...pseudo, 'content-type': 'application/json' }).flat()
    this.#token = new AccessToken({ ...route, credentials, clock, log, timeoutMs: set.timeoutMs })
    this.#pool = new SessionPool({
      ...route,
      baseUrl,
      sessions: set.sessions,
      maxStreams: set.maxStreams,
      pingEveryMs: set.pingEveryMs,
      idleCloseMs: IDLE_CLOSE_MS,
      log,
    })
  }

  async send(push: Push, signal?: AbortSignal): Promise<PushOutcome> {
    if (this.#closing !== undefined) throw new PushGatewayUnusable('closed', 'no push can be sent any more')
    const encode = encoderOf(push)
    if (encode === undefined) return { state: 'refused', reason: 'PAYLOAD_TOO_BIG' }
    let hasNewToken = false
    let sends = 0
    for (;;) {
      if (signal?.aborted === true) return later('ABORTED', false)
      if (push.expiresAt !== undefined && push.expiresAt.getTime() <= this.#clock()) return later('EXPIRED', false)
      const granted = this.#token.get()
      const token = typeof granted === 'string' ? granted : await this.#bearer(granted)
      if (token === undefined) return later('TOKEN_ENDPOINT_UNAVAILABLE', false)
      const acquired = this.#pool.acquire(this.#timeoutMs, signal)
      const session = acquired instanceof FcmSession ? acquired : await acquired.catch(noStream)
      if (session instanceof NoStream) return later(session.reason, false)
      const headers = this.#headersFor(token)
      // Not before: for its token, and then for its stream, it may have waited for many seconds of its lifetime.
      const body = encode(this.#clock())
      const result = await session.post({ headers, body, timeoutMs: this.#timeoutMs, signal })
      sends += 1
      if (result.kind === 'unknown') return later(result.reason, true)
      if (result.kind === 'not_processed') {
        if (sends >= SENDS_AT_MOST) return later('NOT_PROCESSED', false)
        continue
      }
      const verdict = judgeAnswer(result.status, result.body, readRetryAfter(result.retryAfter, this.#clock()))
      if (verdict.state !== 'reauthenticate') {
        if (verdict.state === 'refused' && verdict.reason === 'THIRD_PARTY_AUTH_ERROR') this.#alarm()
        return verdict
      }
      if (hasNewToken) {
        this.#log.error('FCM refuses a new access token: the service account may have lost its rights')
        return { state: 'refused', reason: 'UNAUTHENTICATED' }
      }
      hasNewToken = true
      this.#token.discard(token)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#pool.close(this.#drainMs)
    return this.#closing
  }

  /** Undefined when the endpoint cannot be asked now. */
  async #bearer(granted: Promise<string>): Promise<string | undefined> {
    try {
      return await granted
    } catch (error) {
      if (error instanceof CredentialsRefused) throw new PushGatewayUnusable('credentials', error.message)
      return undefined
    }
  }

  /** One line a minute: thousands of pushes meet it together. */
  #alarm(): void {
    const nowMs = this.#clock()
    if (nowMs - this.#alarmedAtMs < ALARM_EVERY_MS) return
    this.#alarmedAtMs = nowMs
    this.#log.error("Apple's or the web's push service refuses the credentials that FCM has for it")
  }

  /** The same for all pushes of one token. */
  #headersFor(token: string): readonly string[] {
    if (token !== this.#headersToken) {
      this.#headersToken = token
      this.#headers = [...this.#fixedHeaders, 'authorization', `Bearer ${token}`]
    }
    return this.#headers
  }
}

function noStream(error: unknown): NoStream {
  if (error instanceof NoStream) return error
  throw error
}

const later = (reason: string, maybeSent: boolean): PushOutcome => ({
  state: 'retry',
  reason,
  afterMs: RETRY_LEAST_MS,
  maybeSent,
})

function chooseCredentials({ credentials, credentialsFile }: FcmGatewayOptions): FcmCredentials {
  if (credentials !== undefined && credentialsFile === undefined) return parseCredentials(credentials)
  if (credentialsFile !== undefined && credentials === undefined) return readCredentials(credentialsFile)
  throw new TypeError('fcmGateway takes credentials or credentialsFile, one of them')
}

function definedNumbers(options: FcmGatewayOptions): Partial<typeof DEFAULTS> {
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]
  const given = names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]] as const]))
  const unfit = given.find(([, value]) => !Number.isInteger(value) || value < 1)
  if (unfit !== undefined) throw new TypeError(`${unfit[0]} must be a whole number, at least 1`)
  if ((options.sessions ?? 1) > 4) throw new TypeError('sessions must be 1 to 4')
  return Object.fromEntries(given)
}

function parseBaseUrl(text: string): URL {
  const url = URL.parse(text)
  // The bearer token is all that is needed to send as the project: it never travels in the clear.
  if (url?.protocol !== 'https:') throw new TypeError('the FCM base URL must be an https address')
  if (url.pathname !== '/' || url.search !== '') throw new TypeError('the FCM base URL has no path')
  return url
}

function parseProxy(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new TypeError('the FCM proxy must be an http or https address')
}
