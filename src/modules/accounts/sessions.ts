import type { Clock } from '#src/core/clock.ts'
import type { Db, Tx } from '#src/database/database.ts'
import { clearTarget, isSeenAnew, lockDeviceOf, noteSeen, setTarget, type Target } from './devices.ts'
import { accountErrors } from './errors.ts'
import { type OpenedSession, openSession, type OpenSession } from './open-session.ts'
import type { Revocations } from './revocations.ts'
import { REFRESH_TOKEN_SECONDS } from './token-lives.ts'
import { hashRefreshToken, newRefreshToken } from './tokens.ts'

type EndReason = 'logout' | 'refresh_reuse' | 'secret_changed' | 'replaced'

/**
 * A session is one login and the family of its refresh tokens: live → ended, never back. It ends by logout,
 * by a spent refresh token that comes back, by a changed PIN, or by the next login on the same device.
 */
export interface Sessions {
  open(login: Omit<OpenSession, 'now' | 'expiresAt'>): Promise<OpenedSession>
  /** Spends the token and gives the next one. Throws `invalid-refresh-token`, or `refresh-token-reused` after ending the family. */
  refresh(refreshToken: string): Promise<OpenedSession>
  logOut(sessionId: string): Promise<void>
  /** Ends every live session of the account but the one that asks. */
  endOthers(accountId: string, keptSessionId: string): Promise<void>
  /** Throws `session-ended` where it ended on another instance meanwhile, `no-device` where it has none. */
  setPushTarget(sessionId: string, target: Target): Promise<void>
  /** Removes what expired a day ago or more. */
  prune(): Promise<void>
}

export function sessions(db: Db, revocations: Revocations, clock: Clock): Sessions {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work)
  const announce = (ended: readonly string[]): void => ended.forEach((id) => revocations.add(id))

  return {
    async open(login) {
      const now = new Date(clock())
      const { opened, replaced } = await openSession(db, { ...login, now, expiresAt: expiry(now) })
      announce(replaced)
      return opened
    },
    async refresh(refreshToken) {
      const now = new Date(clock())
      const outcome = await inTransaction((tx) => refreshIn(tx, refreshToken, now))
      if (outcome.state === 'renewed') return outcome.opened
      if (outcome.state === 'unknown') throw accountErrors.invalidRefreshToken()
      announce([outcome.sessionId])
      throw accountErrors.refreshTokenReused()
    },
    async logOut(sessionId) {
      await inTransaction((tx) => logOutIn(tx, sessionId, new Date(clock())))
      announce([sessionId])
    },
    async endOthers(accountId, keptSessionId) {
      const ended = await liveSessions(db, new Date(clock()), 'secret_changed')
        .where('account_id', '=', accountId)
        .where('id', '<>', keptSessionId)
        .returning('id')
        .execute()
      announce(ended.map(({ id }) => id))
    },
    async setPushTarget(sessionId, target) {
      const session = await db.selectFrom('session').select('device_id').where('id', '=', sessionId).executeTakeFirst()
      if (session?.device_id == null) throw accountErrors.noDevice()
      const isSet = await setTarget(db, { id: sessionId, deviceId: session.device_id }, target, new Date(clock()))
      if (!isSet) throw accountErrors.sessionEnded()
    },
    async prune() {
      const yesterday = new Date(clock() - 86_400_000)
      await db.deleteFrom('session').where('expires_at', '<', yesterday).execute()
    },
  }
}

type RefreshOutcome =
  | { readonly state: 'renewed'; readonly opened: OpenedSession }
  | { readonly state: 'unknown' }
  | { readonly state: 'reused'; readonly sessionId: string }

async function refreshIn(tx: Tx, refreshToken: string, now: Date): Promise<RefreshOutcome> {
  const hash = hashRefreshToken(refreshToken)
  // The session row is locked too: of two requests with one token, the second must see the first's mark.
  const row = await tx
    .selectFrom('refresh_token')
    .innerJoin('session', 'session.id', 'refresh_token.session_id')
    .innerJoin('account', 'account.id', 'session.account_id')
    .leftJoin('device', 'device.id', 'session.device_id')
    .select(['session.id', 'session.account_id', 'session.expires_at', 'session.ended_at', 'refresh_token.spent_at'])
    .select(['session.device_id', 'device.last_seen_at'])
    .where('refresh_token.hash', '=', hash)
    .where('account.disabled_at', 'is', null)
    .forUpdate(['session', 'refresh_token'])
    .executeTakeFirst()
  if (row === undefined || row.ended_at !== null || row.expires_at <= now) return { state: 'unknown' }
  if (row.spent_at !== null) {
    await liveSessions(tx, now, 'refresh_reuse').where('id', '=', row.id).execute()
    return { state: 'reused', sessionId: row.id }
  }
  await tx.updateTable('refresh_token').set({ spent_at: now }).where('hash', '=', hash).execute()
  await tx
    .updateTable('session')
    .set({ expires_at: expiry(now) })
    .where('id', '=', row.id)
    .execute()
  const { device_id: deviceId, last_seen_at: lastSeenAt } = row
  if (deviceId !== null && lastSeenAt !== null && isSeenAnew(lastSeenAt, now)) await noteSeen(tx, deviceId, now)
  const next = await issueRefreshToken(tx, row.id)
  return { state: 'renewed', opened: { accountId: row.account_id, sessionId: row.id, refreshToken: next } }
}

/** Takes the device before the session, as a login does: the other way round, the two could wait for each other. */
async function logOutIn(tx: Tx, sessionId: string, now: Date): Promise<void> {
  const device = await lockDeviceOf(tx, sessionId)
  const ended = await liveSessions(tx, now, 'logout').where('id', '=', sessionId).returning('id').executeTakeFirst()
  if (ended !== undefined && device !== undefined) await clearTarget(tx, device.id)
}

function liveSessions(db: Db | Tx, now: Date, reason: EndReason) {
  return db.updateTable('session').set({ ended_at: now, end_reason: reason }).where('ended_at', 'is', null)
}

async function issueRefreshToken(tx: Tx, sessionId: string): Promise<string> {
  const { token, hash } = newRefreshToken()
  await tx.insertInto('refresh_token').values({ hash, session_id: sessionId }).execute()
  return token
}

function expiry(now: Date): Date {
  return new Date(now.getTime() + REFRESH_TOKEN_SECONDS * 1_000)
}
