import { sign } from 'node:crypto'
import { request } from 'node:http'
import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { FcmCredentials } from './credentials.ts'
import { plainHost } from '../../http-connect/tunnel.ts'
import { openTls, type RouteOptions } from './tls-route.ts'

/** The token endpoint refused the credentials themselves: asking again is of no use. */
export class CredentialsRefused extends Error {
  override readonly name = 'CredentialsRefused'
}

export interface AccessTokenOptions extends RouteOptions {
  readonly credentials: FcmCredentials
  readonly clock: Clock
  readonly log: Logger
  readonly timeoutMs: number
}

interface GrantedToken {
  readonly value: string
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ASSERTION_LIFETIME_S = 3600
/** A sender whose clock is a little ahead must not sign in the endpoint's future. */
const ISSUED_BEFORE_S = 30
const REFRESH_BEFORE_MS = 300_000
/** After a failure callers get the same failure for a while: thousands of pushes must not become thousands of token requests. */
const FAILURE_HOLDS_MS = 5000
const ANSWER_LIMIT_CHARS = 100_000

/** The bearer token of the service account: asked for once for all who wait, renewed in the background before it ends. */
export class AccessToken {
  readonly #options: AccessTokenOptions
  #granted: GrantedToken | undefined
  #asking: Promise<string> | undefined
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined

  constructor(options: AccessTokenOptions) {
    this.#options = options
  }

  /** @throws CredentialsRefused; any other error means that the endpoint could not be asked now */
  get(): string | Promise<string> {
    const nowMs = this.#options.clock()
    const granted = this.#granted
    if (granted === undefined || granted.expiresAtMs <= nowMs) return this.#ask()
    if (granted.refreshAtMs <= nowMs) this.#ask().catch(() => undefined)
    return granted.value
  }

  /** The token was refused: the next `get` asks for another, unless that has happened already. */
  discard(refused: string): void {
    if (this.#granted?.value === refused) this.#granted = undefined
  }

  #ask(): Promise<string> {
    if (this.#asking !== undefined) return this.#asking
    const failure = this.#failure
    if (failure !== undefined && this.#options.clock() < failure.untilMs) return Promise.reject(failure.error)
    this.#asking = this.#grant().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #grant(): Promise<string> {
    const { clock, log } = this.#options
    try {
      const granted = readGrant(await this.#post(), clock())
      this.#granted = granted
      this.#failure = undefined
      log.debug({ expires_at: new Date(granted.expiresAtMs).toISOString() }, 'FCM access token granted')
      return granted.value
    } catch (error) {
      this.#failure = { error, untilMs: clock() + FAILURE_HOLDS_MS }
      const reason = error instanceof Error ? error.message : String(error)
      if (error instanceof CredentialsRefused) log.error({ reason }, 'FCM credentials refused')
      else log.warn({ reason }, 'FCM access token could not be asked for')
      throw error
    }
  }

  async #post(): Promise<{ status: number; text: string }> {
    const { tokenUri } = this.#options.credentials
    const port = Number(tokenUri.port === '' ? 443 : tokenUri.port)
    const socket = await openTls(plainHost(tokenUri), port, 'http/1.1', this.#options)
    const body = new URLSearchParams({ grant_type: GRANT_TYPE, assertion: this.#assertion() }).toString()
    const headers = {
      host: tokenUri.host,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    }
    const signal = AbortSignal.timeout(this.#options.timeoutMs)
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
    const path = `${tokenUri.pathname}${tokenUri.search}`
    const post = request({ method: 'POST', path, headers, createConnection: () => socket, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > ANSWER_LIMIT_CHARS) response.destroy(new Error('the token endpoint answered without end'))
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    post.on('error', reject)
    post.end(body)
    try {
      return await promise
    } finally {
      socket.destroy()
    }
  }

  #assertion(): string {
    const { credentials, clock } = this.#options
    const issuedAtS = Math.floor(clock() / 1000) - ISSUED_BEFORE_S
    const header = { alg: 'RS256', typ: 'JWT', ...(credentials.keyId === undefined ? {} : { kid: credentials.keyId }) }
    const claims = {
      iss: credentials.clientEmail,
      scope: SCOPE,
      aud: credentials.tokenUri.href,
      iat: issuedAtS,
      exp: issuedAtS + ASSERTION_LIFETIME_S,
    }
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${signed}.${sign('sha256', Buffer.from(signed), credentials.privateKey).toString('base64url')}`
  }
}

function readGrant({ status, text }: { status: number; text: string }, nowMs: number): GrantedToken {
  let answer: Record<string, unknown> = {}
  try {
    answer = JSON.parse(text) as Record<string, unknown>
  } catch {
    // A page of a proxy or a balancer; its status says enough.
  }
  const { access_token: value, expires_in: lifetimeS, error } = answer
  if (status === 200 && typeof value === 'string' && typeof lifetimeS === 'number') {
    const lifetimeMs = lifetimeS * 1000
    const refreshBeforeMs = Math.min(REFRESH_BEFORE_MS, lifetimeMs / 10)
    return { value, expiresAtMs: nowMs + lifetimeMs, refreshAtMs: nowMs + lifetimeMs - refreshBeforeMs }
  }
  if (status >= 400 && status < 500 && status !== 429 && typeof error === 'string') {
    throw new CredentialsRefused(`the token endpoint refused the service account: ${error.slice(0, 100)}`)
  }
  throw new Error(`the token endpoint answered ${status}`)
}
