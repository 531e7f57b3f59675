import type { LoggedIn } from './login.ts'
import type { AccountRow } from './queries.ts'
import { ACCESS_TOKEN_SECONDS, REFRESH_TOKEN_SECONDS } from './token-lives.ts'
import type { Tokens } from './tokens.ts'

/** The person, never a secret: named field by field, so that a new column does not leak by itself. */
export function toUser(account: AccountRow) {
  return {
    id: account.id,
    role: account.role,
    first_name: account.first_name,
    last_name: account.last_name,
    phone: account.phone,
    language: account.language,
  }
}

export function toLoginAnswer({ account, session }: LoggedIn, tokens: Tokens) {
  return {
    access_token: tokens.sign({ accountId: account.id, sessionId: session.sessionId, role: account.role }),
    token_type: 'Bearer' as const,
    expires_in: ACCESS_TOKEN_SECONDS,
    refresh_token: session.refreshToken,
    refresh_expires_in: REFRESH_TOKEN_SECONDS,
    user: toUser(account),
  }
}

export function toProfile(account: AccountRow, agency: { code: string; name: string } | undefined) {
  return { ...toUser(account), agency: agency ?? null, created_at: account.created_at.toISOString() }
}
