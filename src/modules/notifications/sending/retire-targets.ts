import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { Claim, Judged } from './push-page.ts'

/** A target that is not used again, or not before its app reports in. */
export interface RetiredTarget {
  readonly how: 'dead' | 'quarantined'
  readonly deviceId: string
  readonly targetKind: 'token' | 'fid'
  readonly target: string
  readonly reason: string
}

export function retiredBy(judged: readonly Judged<Claim>[]): RetiredTarget[] {
  return judged.flatMap((one): RetiredTarget[] => {
    if ('unusable' in one || one.claim.target === null || one.claim.targetKind === null) return []
    const { deviceId, targetKind, target } = one.claim
    const { verdict } = one
    if (verdict.state === 'dead') return [{ how: 'dead', deviceId, targetKind, target, reason: verdict.reason }]
    if (verdict.state !== 'failed' || !verdict.quarantine) return []
    return [{ how: 'quarantined', deviceId, targetKind, target, reason: verdict.reason }]
  })
}

export async function retireTargets(db: Db, retired: readonly RetiredTarget[], now: Date): Promise<void> {
  const [dead, set] = [retired.filter(({ how }) => how === 'dead'), retired.filter(({ how }) => how === 'quarantined')]
  if (dead.length > 0) await clearDead(db, dead)
  if (set.length > 0) await setAside(db, set, now)
}

/**
 * Only where the device still has the target that died: its app may have brought another meanwhile. Locked in one
 * order, as several runners may find the same targets dead.
 */
async function clearDead(db: Db, dead: readonly RetiredTarget[]): Promise<void> {
  await sql`
    with dead as (
      select d.id from device d
      join unnest(
        ${dead.map((one) => one.deviceId)}::uuid[],
        ${dead.map((one) => one.targetKind)}::text[],
        ${dead.map((one) => one.target)}::text[]
      ) as v (device_id, target_kind, target)
        on d.id = v.device_id and d.target_kind = v.target_kind and d.target = v.target
      order by d.id for update of d
    )
    update device set target = null, target_kind = null from dead where device.id = dead.id`.execute(db)
}

/** Only where the device still has the target, as the mark of another that it has by now would be lost. */
async function setAside(db: Db, refused: readonly RetiredTarget[], now: Date): Promise<void> {
  await sql`
    insert into target_quarantine (device_id, target, reason, since)
    select d.id, v.target, v.reason, ${now}::timestamptz from device d
    join unnest(
      ${refused.map((one) => one.deviceId)}::uuid[],
      ${refused.map((one) => one.target)}::text[],
      ${refused.map((one) => one.reason)}::text[]
    ) as v (device_id, target, reason) on d.id = v.device_id and d.target = v.target
    order by d.id
    on conflict (device_id) do update set target = excluded.target, reason = excluded.reason, since = excluded.since
  `.execute(db)
}
