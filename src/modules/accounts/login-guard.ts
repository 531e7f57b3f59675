import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import { accountErrors } from './errors.ts'

/** Tries before the first lock. With a PIN of four digits an attacker gets about 20 tries the first day, then one a day. */
const MAX_FAILURES = 10
const FIRST_LOCK_MINUTES = 15
const LONGEST_LOCK_MINUTES = 24 * 60
/** Longer than the longest lock, or waiting it out would give ten fresh tries. */
const FORGET_DAYS = 7

/**
 * Counts failed logins in PostgreSQL, where a restart does not forget them. An attempt is counted before it
 * is checked and forgiven when it succeeds, so that many at once cannot slip past the limit together.
 *
 * States of a key: free (fewer than ten failures) → locked (15 min, doubled by each further failure, at
 * most a day) → free for one try → locked longer, or forgotten after a success or a week without failure.
 */
export interface LoginGuard {
  /** Throws `accounts/too-many-attempts` with Retry-After while the key is locked. */
  count(key: Buffer): Promise<void>
  forgive(key: Buffer): Promise<void>
  /** Of one that `count` let through and that was no guess: as if it had not been counted. The others stay. */
  takeBack(key: Buffer): Promise<void>
}

export function loginGuard(db: Db, clock: Clock): LoginGuard {
  return {
    async count(key) {
      const now = new Date(clock())
      const { rows } = await countUnlessLocked(now, key).execute(db)
      if (rows.length === 0) throw await lockedError(db, key, now)
    },
    async forgive(key) {
      await db.deleteFrom('login_guard').where('key', '=', key).execute()
    },
    async takeBack(key) {
      // A lock that is there now needed this attempt: none is counted while there is one.
      await sql`
        with last as (delete from login_guard where key = ${key} and failures = 1)
        update login_guard set failures = failures - 1, locked_until = null
        where key = ${key} and failures > 1`.execute(db)
    },
  }
}

/** One statement, so that concurrent attempts are counted one by one; it returns no row while the key is locked. */
function countUnlessLocked(now: Date, key: Buffer) {
  const failures = sql`case when guard.last_failure_at < ${now}::timestamptz - make_interval(days => ${FORGET_DAYS})
    then 1 else guard.failures + 1 end`
  return sql`
    insert into login_guard as guard (key, failures, last_failure_at) values (${key}, 1, ${now})
    on conflict (key) do update set
      failures = ${failures},
      last_failure_at = ${now},
      locked_until = case when ${failures} >= ${MAX_FAILURES} then ${now}::timestamptz + make_interval(mins =>
        least(${FIRST_LOCK_MINUTES} * 2 ^ least(${failures} - ${MAX_FAILURES}, 20), ${LONGEST_LOCK_MINUTES})::integer) end
    where guard.locked_until is null or guard.locked_until <= ${now}
    returning failures`
}

async function lockedError(db: Db, key: Buffer, now: Date) {
  const row = await db.selectFrom('login_guard').select('locked_until').where('key', '=', key).executeTakeFirst()
  const waitMs = (row?.locked_until?.getTime() ?? now.getTime()) - now.getTime()
  return accountErrors.tooManyAttempts({ retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) })
}

/** Removes the counts that have been forgotten anyway. */
export async function pruneGuards(db: Db, nowMs: number): Promise<void> {
  const forgottenSince = new Date(nowMs - FORGET_DAYS * 86_400_000)
  await db.deleteFrom('login_guard').where('last_failure_at', '<', forgottenSince).execute()
}

/**
 * The key under which a try is counted. A device on which this account has logged in before counts alone,
 * so that a stranger who locks the account does not lock its owner out; all other devices share one count,
 * as a device's name costs an attacker nothing.
 */
export function guardKey(identifier: string, knownInstallationId: string | undefined): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([identifier, knownInstallationId ?? null]))
    .digest()
}
