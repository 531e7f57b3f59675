import { createHash, randomBytes } from 'node:crypto'
import { createSigner, createVerifier, TOKEN_ERROR_CODES, TokenError } from 'fast-jwt'
import type { Actor } from '#src/core/actor.ts'
import type { Clock } from '#src/core/clock.ts'
import { httpErrors } from '#src/http/errors.ts'
import { accountErrors } from './errors.ts'
import type { Revocations } from './revocations.ts'

export const ACCESS_TOKEN_SECONDS = 15 * 60
export const REFRESH_TOKEN_SECONDS = 30 * 24 * 60 * 60
const ISSUER = 'samaconso'

interface Claims {
  readonly sub: string
  readonly sid: string
  readonly role: Actor['role']
}

export interface Tokens {
  sign(actor: Actor): string
  /** Throws an `unauthenticated` error for a token that is forged, of another algorithm, expired or revoked. */
  verify(token: string): Actor
}

export function accessTokens(secret: string, revocations: Revocations, clock: Clock): Tokens {
  const sign = createSigner({
    key: secret,
    algorithm: 'HS256',
    expiresIn: ACCESS_TOKEN_SECONDS * 1_000,
    iss: ISSUER,
  })
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedIss: ISSUER,
    requiredClaims: ['sub', 'sid', 'role', 'exp'],
    cache: 20_000,
    // Whole tokens as keys: hashing each costs ten times as much, and this map never leaves the process.
    cacheKeyBuilder: (token) => token,
  })
  return {
    sign: ({ accountId, sessionId, role }) =>
      sign({ sub: accountId, sid: sessionId, role, iat: Math.floor(clock() / 1_000) }),
    verify(token) {
      const { sub, sid, role } = verifyClaims(verify, token)
      if (revocations.has(sid)) throw accountErrors.sessionEnded()
      return { accountId: sub, sessionId: sid, role }
    },
  }
}

function verifyClaims(verify: (token: string) => unknown, token: string): Claims {
  try {
    return verify(token) as Claims
  } catch (error) {
    if (error instanceof TokenError && error.code === TOKEN_ERROR_CODES.expired) throw httpErrors.tokenExpired()
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
