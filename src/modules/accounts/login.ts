import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import type { DeviceInput } from './devices.ts'
import { accountErrors } from './errors.ts'
import { guardKey, type LoginGuard, loginGuard } from './login-guard.ts'
import { normalisePhone } from './phone.ts'
import { accountById, accountByIdentifier, type AccountRow, type Identifier } from './queries.ts'
import { hashSecret, isAcceptablePassword, isAcceptablePin, verifySecret } from './secrets.ts'
import type { OpenedSession } from './open-session.ts'
import type { Sessions } from './sessions.ts'

export type LoginInput =
  | { readonly phone: string; readonly pin: string; readonly device?: DeviceInput }
  | { readonly login: string; readonly password: string; readonly device?: DeviceInput }

export interface LoggedIn {
  readonly account: AccountRow
  readonly session: OpenedSession
}

export interface Logins {
  /** Throws `accounts/invalid-credentials`, the same for a wrong secret, an unknown account and a disabled one. */
  logIn(input: LoginInput): Promise<LoggedIn>
  refresh(refreshToken: string): Promise<LoggedIn>
  /** Wants the old secret and ends the account's other sessions. */
  changeSecret(change: { accountId: string; sessionId: string; old: string; next: string }): Promise<void>
}

export function logins(db: Db, sessions: Sessions, clock: Clock): Logins {
  const guard = loginGuard(db, clock)
  return {
    async logIn(input) {
      const { identifier, secret } = credentialsOf(input)
      const { account, key } = await checkSecret(db, guard, identifier, secret, input.device?.id)
      const session = await sessions.open({ accountId: account.id, device: input.device, guardKey: key })
      return { account, session }
    },
    async refresh(refreshToken) {
      const session = await sessions.refresh(refreshToken)
      const account = await accountById(db, session.accountId)
      if (account === undefined) throw accountErrors.invalidRefreshToken()
      return { account, session }
    },
    async changeSecret({ accountId, sessionId, old, next }) {
      const account = await accountById(db, accountId)
      if (account === undefined) throw accountErrors.sessionEnded()
      refuseWeak(account, next)
      const identifier = identifierOf(account)
      const { key } = await checkSecret(db, guard, identifier, old, sessionId).catch((error: unknown) => {
        throw isWrongSecret(error) ? accountErrors.wrongSecret() : error
      })
      await guard.forgive(key)
      await db
        .updateTable('account')
        .set({ secret_hash: await hashSecret(next), updated_at: new Date(clock()) })
        .where('id', '=', accountId)
        .execute()
      await sessions.endOthers(accountId, sessionId)
    },
  }
}

/**
 * The steps are the same for every account, known or not, so that neither the answer nor its time tells which. The
 * try stays counted under `key` until whoever called forgives it.
 */
async function checkSecret(
  db: Db,
  guard: LoginGuard,
  identifier: Identifier,
  secret: string,
  installationId: string | undefined,
): Promise<{ account: AccountRow; key: Buffer }> {
  const account = await accountByIdentifier(db, identifier, installationId)
  const key = guardKey(identifier.value, account?.is_known_device === true ? installationId : undefined)
  await guard.count(key)
  const matches = await verifySecret(account?.secret_hash, secret)
  if (!matches || account === undefined || account.disabled_at !== null) throw accountErrors.invalidCredentials()
  return { account, key }
}

function credentialsOf(input: LoginInput): { identifier: Identifier; secret: string } {
  if ('login' in input) {
    return { identifier: { kind: 'login', value: input.login.trim().toLowerCase() }, secret: input.password }
  }
  const phone = normalisePhone(input.phone)
  if (phone === undefined) throw accountErrors.invalidPhone()
  return { identifier: { kind: 'phone', value: phone }, secret: input.pin }
}

function identifierOf(account: AccountRow): Identifier {
  return account.phone === null
    ? { kind: 'login', value: account.login ?? '' }
    : { kind: 'phone', value: account.phone }
}

function refuseWeak(account: AccountRow, secret: string): void {
  const acceptable = account.role === 'customer' ? isAcceptablePin(secret) : isAcceptablePassword(secret)
  if (!acceptable) throw accountErrors.weakSecret()
}

function isWrongSecret(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'accounts/invalid-credentials'
}
