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

/** Of recipients, by account. */
export interface AccountRange {
  /** Exclusive. */
  readonly after: string
  /** Inclusive. */
  readonly through: string
}

export const ALL_ACCOUNTS: AccountRange = {
  after: '00000000-0000-0000-0000-000000000000',
  through: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
}

/**
 * Whoever claims must have recorded the outcome within the lease, or counts as crashed and the device is sent to
 * again. It is longer than the longest push, and short, because nothing else notices a crash.
 */
export const LEASE_MS = 30_000
/** Recipients of one claim, most with one device: about as many pushes are under way at a time for one task. */
const CLAIM_SIZE = 64

export interface ClaimedPage {
  readonly claims: Claim[]
  /** Where the next page starts; undefined when this was the last. */
  readonly next: string | undefined
}

/**
 * Claims the devices of the next recipients that nobody has tried. A second runner of the same task gets none of ours.
 * The page is cut from the recipients, in the order of their key, before their devices are looked up: by devices, a
 * planner that expects many recipients walks through every device there is to find those of one.
 */
export async function claimUntried(
  db: Db,
  notificationId: string,
  range: AccountRange,
  nowMs: number,
): Promise<ClaimedPage> {
  const now = new Date(nowMs)
  const { rows } = await sql<UntriedRow>`
    with page as materialized (
      select account_id from notification_recipient
      where notification_id = ${notificationId} and account_id > ${range.after} and account_id <= ${range.through}
      order by account_id limit ${CLAIM_SIZE}
    ), untried as materialized (
      select p.account_id, d.id, d.target_kind, d.target
      from page p join device d on d.account_id = p.account_id
      where d.target is not null
        and not exists (
          select from target_quarantine q
          where q.device_id = d.id and q.target = d.target
            and (d.target_renewed_at is null or q.since >= d.target_renewed_at)
        )
        and not exists (select from delivery x where x.notification_id = ${notificationId} and x.device_id = d.id)
    ), claimed as (
      insert into delivery (notification_id, device_id, state, attempts, first_tried_at, next_attempt_at, updated_at)
      select ${notificationId}::uuid, id, 'pending', 1, ${now}::timestamptz, ${leaseEnd(nowMs)}::timestamptz, ${now}::timestamptz
      from untried
      on conflict do nothing
      returning device_id
    )
    select p.account_id, c.device_id, u.target_kind, u.target
    from page p left join (untried u join claimed c on c.device_id = u.id) on u.account_id = p.account_id
    order by p.account_id`.execute(db)
  const claims = rows.flatMap(({ device_id: deviceId, target_kind: targetKind, target }) =>
    deviceId === null ? [] : [{ deviceId, targetKind, target, attempts: 1, firstTriedAt: now }],
  )
  const recipients = new Set(rows.map((row) => row.account_id)).size
  return { claims, next: recipients < CLAIM_SIZE ? undefined : rows.at(-1)?.account_id }
}

interface UntriedRow {
  readonly account_id: string
  /** Null for a recipient of whom nothing was claimed. */
  readonly device_id: string | null
  readonly target_kind: 'token' | 'fid' | null
  readonly target: string | null
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
      order by next_attempt_at limit ${CLAIM_SIZE}
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
