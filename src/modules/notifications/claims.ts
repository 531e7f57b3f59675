import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'

/** A device that is ours to send to until the lease ends. Its row was committed before the push leaves. */
export interface Claim {
  readonly deviceId: string
  readonly targetKind: 'token' | 'fid' | null
  /** Null when the device has lost it since the first attempt. */
  readonly target: string | null
  readonly attempts: number
  readonly firstTriedAt: Date
}

export interface DeviceRange {
  /** Exclusive. */
  readonly after: string
  /** Inclusive. */
  readonly through: string
}

export const ALL_DEVICES: DeviceRange = {
  after: '00000000-0000-0000-0000-000000000000',
  through: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
}

/**
 * Whoever claims must have recorded the outcome within the lease, or counts as crashed and the device is sent to
 * again. It is longer than the longest push, and short, because nothing else notices a crash.
 */
export const LEASE_MS = 30_000
/** Pushes under way at a time for one task. */
export const CLAIM_SIZE = 64

/** The devices with a live target among the recipients, one after the other by id. Those set aside are left out. */
const targetsOf = (notificationId: string, range: DeviceRange) => sql`
  from notification_recipient r
  join device d on d.account_id = r.account_id
  where r.notification_id = ${notificationId}
    and d.id > ${range.after} and d.id <= ${range.through}
    and d.target is not null
    and not exists (
      select from target_quarantine q
      where q.device_id = d.id and q.target = d.target and (d.target_renewed_at is null or q.since >= d.target_renewed_at)
    )`

/** The ids of the next `limit` devices, to cut an audience into chunks. */
export async function nextDevices(
  db: Db,
  notificationId: string,
  range: DeviceRange,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select d.id ${targetsOf(notificationId, range)} order by d.id limit ${limit}`.execute(db)
  return rows.map((row) => row.id)
}

export interface ClaimedPage {
  readonly claims: Claim[]
  /** Where the next page starts; undefined when this was the last. */
  readonly next: string | undefined
}

/** Claims the next devices that nobody has tried. A second runner of the same task gets none of ours. */
export async function claimUntried(
  db: Db,
  notificationId: string,
  range: DeviceRange,
  nowMs: number,
): Promise<ClaimedPage> {
  const now = new Date(nowMs)
  const { rows } = await sql<{ id: string; target_kind: 'token' | 'fid'; target: string; is_ours: boolean }>`
    with untried as (
      select d.id, d.target_kind, d.target ${targetsOf(notificationId, range)}
        and not exists (select from delivery x where x.notification_id = ${notificationId} and x.device_id = d.id)
      order by d.id limit ${CLAIM_SIZE}
    ), claimed as (
      insert into delivery (notification_id, device_id, state, attempts, first_tried_at, next_attempt_at, updated_at)
      select ${notificationId}::uuid, id, 'pending', 1, ${now}::timestamptz, ${leaseEnd(nowMs)}::timestamptz, ${now}::timestamptz
      from untried
      on conflict do nothing
      returning device_id
    )
    select u.id, u.target_kind, u.target, c.device_id is not null as is_ours
    from untried u left join claimed c on c.device_id = u.id
    order by u.id`.execute(db)
  const claims = rows
    .filter((row) => row.is_ours)
    .map((row) => ({
      deviceId: row.id,
      targetKind: row.target_kind,
      target: row.target,
      attempts: 1,
      firstTriedAt: now,
    }))
  return { claims, next: rows.length < CLAIM_SIZE ? undefined : rows.at(-1)?.id }
}

/** Claims devices whose next attempt is due: those that retry, and those whose sender crashed. */
export async function claimDue(db: Db, notificationId: string, nowMs: number): Promise<Claim[]> {
  const now = new Date(nowMs)
  const { rows } = await sql<{
    device_id: string
    target_kind: 'token' | 'fid' | null
    target: string | null
    attempts: number
    first_tried_at: Date
  }>`
    with due as (
      select device_id from delivery
      where notification_id = ${notificationId} and state in ('pending', 'retrying') and next_attempt_at <= ${now}
      order by device_id limit ${CLAIM_SIZE}
      for update skip locked
    )
    update delivery set
      state = 'pending',
      attempts = delivery.attempts + 1,
      maybe_duplicate = delivery.maybe_duplicate or delivery.state = 'pending',
      next_attempt_at = ${leaseEnd(nowMs)},
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

function leaseEnd(nowMs: number): Date {
  return new Date(nowMs + LEASE_MS)
}
