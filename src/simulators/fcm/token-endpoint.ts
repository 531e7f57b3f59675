import { verify } from 'node:crypto'
import type { AccessTokens } from './access-tokens.ts'
import type { ServiceAccount } from './identity.ts'

export interface TokenAnswer {
  readonly status: number
  /** `issued`, or the OAuth error's name. */
  readonly outcome: string
  readonly body: string
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const SCOPES = new Set([
  'https://www.googleapis.com/auth/firebase.messaging',
  'https://www.googleapis.com/auth/cloud-platform',
])
const MAX_LIFETIME_S = 3600
const CLOCK_SKEW_S = 300

export const refuseToken = (error: string, description: string, status = 400): TokenAnswer => ({
  status,
  outcome: error,
  body: JSON.stringify({ error, error_description: description }),
})

/** Answers `POST /token`: the assertion's signature and claims are checked as Google's endpoint checks them. */
export function answerTokenRequest(
  contentType: string | undefined,
  body: string,
  account: ServiceAccount,
  tokens: AccessTokens,
): TokenAnswer {
  if (contentType?.startsWith('application/x-www-form-urlencoded') !== true) {
    return refuseToken('invalid_request', 'The body must be application/x-www-form-urlencoded.')
  }
  const form = new URLSearchParams(body)
  const grantType = form.get('grant_type')
  if (grantType === null) return refuseToken('invalid_request', 'Required parameter is missing: grant_type')
  if (grantType !== GRANT_TYPE) return refuseToken('unsupported_grant_type', `Invalid grant_type: ${grantType}`)
  const assertion = form.get('assertion')
  if (assertion === null) return refuseToken('invalid_request', 'Required parameter is missing: assertion')
  const refusal = refuseAssertion(assertion, account)
  if (refusal !== undefined) return refusal
  const granted = { access_token: tokens.issue(), expires_in: tokens.lifetimeS, token_type: 'Bearer' }
  return { status: 200, outcome: 'issued', body: JSON.stringify(granted) }
}

function refuseAssertion(assertion: string, account: ServiceAccount): TokenAnswer | undefined {
  const [head = '', payload = '', signature = '', ...rest] = assertion.split('.')
  const header = decode(head)
  const claims = decode(payload)
  if (header === undefined || claims === undefined || rest.length > 0) {
    return refuseToken('invalid_grant', 'Invalid JWT: it is not three base64url parts with JSON in the first two.')
  }
  if (claims['iss'] !== account.clientEmail) return refuseToken('invalid_grant', 'Invalid grant: account not found')
  const isOurKey = header['kid'] === undefined || header['kid'] === account.keyId
  const signed = Buffer.from(`${head}.${payload}`)
  const isSigned = header['alg'] === 'RS256' && isOurKey
  if (!isSigned || !verify('sha256', signed, account.publicKey, Buffer.from(signature, 'base64url'))) {
    return refuseToken('invalid_grant', 'Invalid JWT Signature.')
  }
  if (claims['aud'] !== account.tokenUri) {
    return refuseToken('invalid_grant', 'Invalid JWT: Failed audience check. The right audience is the token_uri.')
  }
  if (!isShortLived(claims['iat'], claims['exp'])) {
    const fault = 'Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'
    return refuseToken('invalid_grant', `Invalid JWT: ${fault} Check your iat and exp values in the JWT claim.`)
  }
  const { scope } = claims
  if (typeof scope !== 'string' || !scope.split(' ').some((one) => SCOPES.has(one))) {
    return refuseToken('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
  }
  return undefined
}

function isShortLived(iat: unknown, exp: unknown): boolean {
  if (typeof iat !== 'number' || typeof exp !== 'number') return false
  const nowS = Date.now() / 1000
  return iat <= nowS + CLOCK_SKEW_S && exp > nowS && exp > iat && exp - iat <= MAX_LIFETIME_S
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
