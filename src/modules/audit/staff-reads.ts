import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { RecordRead, StaffRead } from '#src/http/staff-reads.ts'
import { auditErrors } from './errors.ts'

/**
 * The same question asked again within this time is the same look: whoever leaves a page open that asks every few
 * seconds, or turns the pages of a list, leaves six entries an hour. Short enough to tell when somebody looked.
 */
const SAME_LOOK_MINUTES = 10

/**
 * Writes down looks by staff at customers' data, before they are answered: one that cannot be written down is refused
 * with `audit/read-not-written`. Two at the same moment may both be written.
 */
export function readRecorder(db: Db): RecordRead {
  return async (read) => {
    await writeUnlessWritten(db, read).catch((error: unknown) => {
      throw auditErrors.readNotWritten({ cause: error, retryAfterSeconds: 5 })
    })
  }
}

async function writeUnlessWritten(db: Db, { actor, action, subjectId, route, query }: StaffRead): Promise<void> {
  const details = JSON.stringify({ route, query })
  await sql`
    insert into audit_entry (actor_id, actor_role, action, subject_id, details)
    select ${actor.accountId}::uuid, ${actor.role}, ${action}, ${subjectId}::uuid, ${details}::jsonb
    where not exists (
      select from audit_entry
      where actor_id = ${actor.accountId} and action = ${action} and subject_id is not distinct from ${subjectId}::uuid
        and details = ${details}::jsonb and at > now() - make_interval(mins => ${SAME_LOOK_MINUTES}))`.execute(db)
}
