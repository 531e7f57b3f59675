import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { Claim } from './claims.ts'
import { GATEWAY_PAUSE_MS, type Verdict } from './verdict.ts'

export interface Judged {
  readonly claim: Claim
  readonly verdict: Verdict
}

/**
 * Records what became of claimed devices. Whoever lost its lease meanwhile records nothing, but for `sent`: that
 * happened, whoever tries again.
 */
export async function recordOutcomes(
  db: Db,
  notificationId: string,
  judged: readonly Judged[],
  now: Date,
): Promise<void> {
  if (judged.length === 0) return
  const column = <T>(value: (judged: Judged) => T): T[] => judged.map(value)
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
      ${column(({ verdict }) => verdict.state === 'retrying' && verdict.maybeDuplicate)}::boolean[]
    ) as v (device_id, attempts, state, provider_id, reason, next_attempt_at, maybe_duplicate)
    where delivery.notification_id = ${notificationId} and delivery.device_id = v.device_id
      and (
        (delivery.state = 'pending' and delivery.attempts = v.attempts)
        or (v.state = 'sent' and delivery.state in ('pending', 'retrying'))
      )`.execute(db)
  if (judged.some(({ verdict }) => verdict.state === 'sent')) await noteFirstSent(db, notificationId, now)
  await clearDeadTargets(db, judged)
  await quarantineTargets(db, judged, now)
}

/**
 * Gives devices back to which nothing left, as if they had not been claimed: a broken gateway does not use up the hour
 * in which a device is tried. Those that were tried before are due again when the gateway has had its pause.
 */
export async function releaseClaims(
  db: Db,
  notificationId: string,
  claims: readonly Claim[],
  now: Date,
): Promise<void> {
  if (claims.length === 0) return
  const ours = sql`notification_id = ${notificationId} and state = 'pending'
    and (device_id, attempts) in (
      select * from unnest(
        ${claims.map((claim) => claim.deviceId)}::uuid[], ${claims.map((claim) => claim.attempts)}::smallint[]
      )
    )`
  await sql`delete from delivery where ${ours} and attempts = 1`.execute(db)
  await sql`
    update delivery set
      state = 'retrying', attempts = attempts - 1, reason = 'gateway unusable', updated_at = ${now},
      next_attempt_at = ${new Date(now.getTime() + GATEWAY_PAUSE_MS)}
    where ${ours}`.execute(db)
}

async function noteFirstSent(db: Db, notificationId: string, now: Date): Promise<void> {
  await db
    .updateTable('notification')
    .set({ first_sent_at: now })
    .where('id', '=', notificationId)
    .where('first_sent_at', 'is', null)
    .execute()
}

/**
 * Only where the device still has the target that died: its app may have brought another meanwhile. Locked in one
 * order, as several runners may find the same targets dead.
 */
async function clearDeadTargets(db: Db, judged: readonly Judged[]): Promise<void> {
  const dead = judged.filter(({ verdict }) => verdict.state === 'dead').map(({ claim }) => claim)
  if (dead.length === 0) return
  await sql`
    with dead as (
      select d.id from device d
      join unnest(
        ${dead.map((claim) => claim.deviceId)}::uuid[],
        ${dead.map((claim) => claim.targetKind)}::text[],
        ${dead.map((claim) => claim.target)}::text[]
      ) as v (device_id, target_kind, target)
        on d.id = v.device_id and d.target_kind = v.target_kind and d.target = v.target
      order by d.id for update of d
    )
    update device set target = null, target_kind = null from dead where device.id = dead.id`.execute(db)
}

async function quarantineTargets(db: Db, judged: readonly Judged[], now: Date): Promise<void> {
  const refused = judged.flatMap(({ claim, verdict }) =>
    verdict.state === 'failed' && verdict.quarantine ? [{ ...claim, reason: verdict.reason }] : [],
  )
  if (refused.length === 0) return
  // By way of device: one that was deleted meanwhile needs no mark.
  await sql`
    insert into target_quarantine (device_id, target, reason, since)
    select d.id, v.target, v.reason, ${now}::timestamptz from device d
    join unnest(
      ${refused.map((device) => device.deviceId)}::uuid[],
      ${refused.map((device) => device.target)}::text[],
      ${refused.map((device) => device.reason)}::text[]
    ) as v (device_id, target, reason) on d.id = v.device_id
    order by d.id
    on conflict (device_id) do update set target = excluded.target, reason = excluded.reason, since = excluded.since
  `.execute(db)
}
