import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { DueOutcome, DueStore } from './due-store.ts'
import { type Claim, LEASE_MS } from './push-page.ts'
import { retireTargets } from './retire-targets.ts'
import { isSending, noteFirstSent } from './sending.ts'
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

interface DueRow {
  readonly device_id: string
  readonly target_kind: 'token' | 'fid' | null
  readonly target: string | null
  readonly attempts: number
  readonly first_tried_at: Date
}

/** For `DueStore`. */
export async function claimDue(db: Db, notificationId: string, nowMs: number): Promise<Claim[]> {
  const now = new Date(nowMs)
  const { rows } = await sql<DueRow>`
    with due as (
      select device_id from delivery
      where notification_id = ${notificationId} and state in ('pending', 'retrying', 'held')
        and next_attempt_at <= ${now}
        and exists (select from notification n where n.id = ${notificationId} and n.state = 'sending')
      order by next_attempt_at, device_id limit ${CLAIM_SIZE}
      for update skip locked
    )
    update delivery set
      state = 'pending',
      attempts = delivery.attempts + 1,
      first_tried_at = case delivery.state when 'held' then ${now}::timestamptz else delivery.first_tried_at end,
      maybe_duplicate = delivery.maybe_duplicate or delivery.state = 'pending',
      next_attempt_at = ${new Date(nowMs + LEASE_MS)},
      updated_at = ${now}
    from due left join device d on d.id = due.device_id
    where delivery.notification_id = ${notificationId} and delivery.device_id = due.device_id
    returning delivery.device_id, d.target_kind, d.target, delivery.attempts, delivery.first_tried_at`.execute(db)
  return rows.map((row) => ({
    deviceId: row.device_id,
    targetKind: row.target_kind,
    target: row.target,
    attempts: row.attempts,
    firstTriedAt: row.first_tried_at,
  }))
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
