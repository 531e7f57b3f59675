import { createHash, randomBytes } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import type { Actor } from '#src/core/actor.ts'
import type { Clock } from '#src/core/clock.ts'
import { httpErrors } from '#src/http/errors.ts'
import { accountErrors } from './errors.ts'
import type { Revocations } from './revocations.ts'
import { ACCESS_TOKEN_SECONDS } from './token-lives.ts'

const ISSUER = 'samaconso'

interface Claims {
  readonly sub: string
  readonly sid: string
  readonly role: Actor['role']
  readonly exp: number
}

export interface Tokens {
  sign(actor: Actor): string
  /** Throws an `unauthenticated` error for a token that is forged, of another algorithm, expired or revoked. */
  verify(token: string): Actor
  /** When a token that `verify` has taken ends, in milliseconds since 1970; for what goes on after the request. */
  expiryOf(token: string): number
}

/** Tokens whose signature was checked once: checking it again on each request costs more than the rest of a cached read. */
const REMEMBERED = 20_000

export function accessTokens(secret: string, revocations: Pick<Revocations, 'has'>, clock: Clock): Tokens {
  const sign = createSigner({ key: secret, algorithm: 'HS256', iss: ISSUER, noTimestamp: true })
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedIss: ISSUER,
    requiredClaims: ['sub', 'sid', 'role', 'exp'],
    // Checked below against the clock that everything else goes by.
    ignoreExpiration: true,
  })
  const verified = new Map<string, { readonly actor: Actor; readonly expiresAt: number }>()

  function check(token: string) {
    const { sub, sid, role, exp } = verifyClaims(verify, token)
    const entry = { actor: { accountId: sub, sessionId: sid, role }, expiresAt: exp * 1_000 }
    verified.set(token, entry)
    if (verified.size > REMEMBERED) forgetOldest(verified)
    return entry
  }

  const known = (token: string) => verified.get(token) ?? check(token)

  return {
    sign: ({ accountId, sessionId, role }) =>
      sign({ sub: accountId, sid: sessionId, role, exp: Math.floor(clock() / 1_000) + ACCESS_TOKEN_SECONDS }),
    verify(token) {
      const { actor, expiresAt } = known(token)
      if (expiresAt <= clock()) throw httpErrors.tokenExpired()
      if (revocations.has(actor.sessionId)) throw accountErrors.sessionEnded()
      return actor
    },
    expiryOf: (token) => known(token).expiresAt,
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}

function verifyClaims(verify: (token: string) => unknown, token: string): Claims {
  try {
    return verify(token) as Claims
  } catch {
    throw httpErrors.unauthenticated()
  }
}

/** 256 random bits, kept only as their hash: a stolen database opens no session. */
export function newRefreshToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashRefreshToken(token) }
}

export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
