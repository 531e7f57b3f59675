import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { type PreferenceColumns, reachNow, toPreference } from '#src/modules/preferences/reach-now.ts'
import type { Priority } from '../priorities.ts'
import type { DueOutcome, DueStore } from './due-store.ts'
import { type Claim, LEASE_MS } from './push-page.ts'
import { retireTargets } from './retire-targets.ts'
import { isSending, noteFirstSent } from './sending.ts'
import { isNotQuarantined } from './target-quarantine.ts'
import { GATEWAY_PAUSE_MS, maybeArrived } from './verdict.ts'

export function sqlDueStore(db: Db): DueStore {
  return {
    claim: (notificationId, nowMs) => claimDue(db, notificationId, nowMs),
    record: (notificationId, outcomes, now) => recordDue(db, notificationId, outcomes, now),
    release: (notificationId, claims, now) => releaseDue(db, notificationId, claims, now),
    retire: (retired, now) => retireTargets(db, retired, now),
    isSending: (notificationId) => isSending(db, notificationId),
  }
}

/** Devices of one claim: about as many pushes are under way at a time for one task. */
const CLAIM_SIZE = 64

/**
 * For `DueStore`. Whose quiet hours have begun since the first attempt, or while the gateway could not be used, is left
 * in peace until they end.
 */
export async function claimDue(db: Db, notificationId: string, nowMs: number): Promise<Claim[]> {
  for (;;) {
    const rows = await claimRows(db, notificationId, nowMs)
    const quiet = rows.flatMap((row) => {
      const until = quietUntil(row, nowMs)
      return until === undefined ? [] : [{ row, until }]
    })
    if (quiet.length > 0) await holdRows(db, notificationId, quiet, new Date(nowMs))
    const held = new Set(quiet.map(({ row }) => row))
    const claims = rows.filter((row) => !held.has(row)).map(toClaim)
    if (claims.length > 0 || rows.length === 0) return claims
  }
}

interface DueRow extends PreferenceColumns {
  readonly device_id: string
  readonly target_kind: 'token' | 'fid' | null
  readonly target: string | null
  readonly attempts: number
  readonly first_tried_at: Date
  readonly maybe_duplicate: boolean
  readonly type: string
  readonly priority: Priority
  readonly expires_at: Date | null
}

async function claimRows(db: Db, notificationId: string, nowMs: number): Promise<DueRow[]> {
  const now = new Date(nowMs)
  const { rows } = await sql<DueRow>`
    with due as (
      select x.device_id, n.type, n.priority, n.expires_at
      from delivery x join notification n on n.id = x.notification_id and n.state = 'sending'
      where x.notification_id = ${notificationId} and x.state in ('pending', 'retrying', 'held')
        and x.next_attempt_at <= ${now}
      order by x.next_attempt_at limit ${CLAIM_SIZE}
      for update of x skip locked
    )
    update delivery set
      state = 'pending',
      attempts = delivery.attempts + 1,
      first_tried_at = case delivery.state when 'held' then ${now}::timestamptz else delivery.first_tried_at end,
      maybe_duplicate = delivery.maybe_duplicate or delivery.state = 'pending',
      next_attempt_at = ${new Date(nowMs + LEASE_MS)},
      updated_at = ${now}
    from due left join device d on d.id = due.device_id left join push_preference p on p.account_id = d.account_id
    where delivery.notification_id = ${notificationId} and delivery.device_id = due.device_id
    returning delivery.device_id, d.target_kind, case when ${isNotQuarantined} then d.target end as target,
      delivery.attempts, delivery.first_tried_at, delivery.maybe_duplicate, due.type, due.priority, due.expires_at,
      p.muted_types, p.quiet_from, p.quiet_until`.execute(db)
  return rows
}

/** Undefined: now. Not past its expiry, at which it is given up. */
function quietUntil(row: DueRow, nowMs: number): Date | undefined {
  const reach = reachNow(toPreference(row), row, nowMs)
  const { expires_at: expiresAt } = row
  if (typeof reach !== 'object' || (expiresAt !== null && nowMs >= expiresAt.getTime())) return undefined
  return expiresAt !== null && expiresAt < reach.heldUntil ? expiresAt : reach.heldUntil
}

function toClaim(row: DueRow): Claim {
  const { device_id: deviceId, target_kind: targetKind, target, attempts } = row
  return {
    deviceId,
    targetKind,
    target,
    attempts,
    firstTriedAt: row.first_tried_at,
    maybeDuplicate: row.maybe_duplicate,
  }
}

interface Quiet {
  readonly row: DueRow
  readonly until: Date
}

/** As if they had not been claimed. */
async function holdRows(db: Db, notificationId: string, quiet: readonly Quiet[], now: Date): Promise<void> {
  await sql`
    update delivery set
      state = 'held', attempts = delivery.attempts - 1, reason = 'quiet hours', next_attempt_at = v.until,
      updated_at = ${now}
    from unnest(
      ${quiet.map(({ row }) => row.device_id)}::uuid[],
      ${quiet.map(({ row }) => row.attempts)}::smallint[],
      ${quiet.map(({ until }) => until)}::timestamptz[]
    ) as v (device_id, attempts, until)
    where delivery.notification_id = ${notificationId} and delivery.device_id = v.device_id
      and delivery.state = 'pending' and delivery.attempts = v.attempts`.execute(db)
}

async function recordDue(db: Db, notificationId: string, outcomes: readonly DueOutcome[], now: Date): Promise<void> {
  if (outcomes.length === 0) return
  const column = <T>(value: (outcome: DueOutcome) => T): T[] => outcomes.map(value)
  await sql`
    update delivery set
      state = v.state, provider_id = v.provider_id, reason = v.reason, next_attempt_at = v.next_attempt_at,
      maybe_duplicate = delivery.maybe_duplicate or v.maybe_duplicate, updated_at = ${now}
    from unnest(
      ${column(({ claim }) => claim.deviceId)}::uuid[],
      ${column(({ claim }) => claim.attempts)}::smallint[],
      ${column(({ verdict }) => verdict.state)}::text[],
      ${column(({ verdict }) => (verdict.state === 'sent' ? verdict.providerId : null))}::text[],
      ${column(({ verdict }) => (verdict.state === 'sent' ? null : verdict.reason))}::text[],
      ${column(({ verdict }) => (verdict.state === 'retrying' ? verdict.nextAttemptAt : null))}::timestamptz[],
      ${column(({ verdict }) => maybeArrived(verdict))}::boolean[]
    ) as v (device_id, attempts, state, provider_id, reason, next_attempt_at, maybe_duplicate)
    where delivery.notification_id = ${notificationId} and delivery.device_id = v.device_id
      and (
        (delivery.state = 'pending' and delivery.attempts = v.attempts)
        or (v.state = 'sent' and delivery.state in ('pending', 'retrying'))
      )`.execute(db)
  if (outcomes.some(({ verdict }) => verdict.state === 'sent')) await noteFirstSent(db, notificationId, now)
}

async function releaseDue(db: Db, notificationId: string, claims: readonly Claim[], now: Date): Promise<void> {
  if (claims.length === 0) return
  await sql`
    update delivery set
      state = case attempts when 1 then 'held' else 'retrying' end, attempts = attempts - 1,
      reason = 'gateway unusable', updated_at = ${now},
      next_attempt_at = ${new Date(now.getTime() + GATEWAY_PAUSE_MS)}
    where notification_id = ${notificationId} and state = 'pending'
      and (device_id, attempts) in (
        select * from unnest(
          ${claims.map((claim) => claim.deviceId)}::uuid[], ${claims.map((claim) => claim.attempts)}::smallint[]
        )
      )`.execute(db)
}
