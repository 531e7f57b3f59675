import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'

/** A registration of Android ends when its telephone was away for so long. Apple has no such rule, and gets ours. */
const STALE_AFTER_MS = 270 * 86_400_000
/** Short enough that a login on one of these devices does not notice. */
const BATCH = 500

/**
 * Takes the push target from devices of which neither the target was renewed nor the user seen for 270 days, and
 * returns how many those are. The devices stay, and get a target again when their app brings one.
 */
export async function removeStaleTargets(db: Db, nowMs: number): Promise<number> {
  const before = new Date(nowMs - STALE_AFTER_MS)
  for (let removed = 0; ;) {
    const { rows } = await sql`
      with stale as (
        select id from device
        where target is not null and last_seen_at < ${before}
          and (target_renewed_at is null or target_renewed_at < ${before})
        order by last_seen_at limit ${BATCH}
        for update skip locked
      )
      update device set target = null, target_kind = null from stale where device.id = stale.id
      returning device.id`.execute(db)
    removed += rows.length
    if (rows.length < BATCH) return removed
  }
}
