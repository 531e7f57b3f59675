import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { decodeCursor, encodeCursor, isMoment } from '#src/http/cursor.ts'
import { httpErrors } from '#src/http/errors.ts'
import type { AuditedAction } from './audit.ts'
import { auditErrors } from './errors.ts'

export interface AuditPage {
  readonly actorId: string | undefined
  readonly action: AuditedAction | undefined
  readonly subjectId: string | undefined
  readonly from: Date | undefined
  /** Exclusive. */
  readonly to: Date | undefined
  readonly cursor: string | undefined
  readonly limit: number
}

/** One page of the audit log, the newest first. What is added meanwhile does not move the pages that follow. */
export async function auditPage(db: Db, page: AuditPage) {
  const { actorId, action, subjectId, from, to, limit } = page
  if (from !== undefined && to !== undefined && from >= to) throw auditErrors.emptyRange()
  const place = page.cursor === undefined ? undefined : placeOf(page.cursor)
  let query = db
    .selectFrom('audit_entry as e')
    .leftJoin('account as a', 'a.id', 'e.actor_id')
    .select(['e.id', 'e.at', 'e.actor_id', 'a.login as actor_login', 'e.actor_role', 'e.action'])
    .select(['e.subject_id', 'e.details'])
    .orderBy('e.at', 'desc')
    .orderBy('e.id', 'desc')
    .limit(limit + 1)
  if (actorId !== undefined) query = query.where('e.actor_id', '=', actorId)
  if (action !== undefined) query = query.where('e.action', '=', action)
  if (subjectId !== undefined) query = query.where('e.subject_id', '=', subjectId)
  if (from !== undefined) query = query.where('e.at', '>=', from)
  if (to !== undefined) query = query.where('e.at', '<', to)
  if (place !== undefined) {
    query = query.where(sql<boolean>`(e.at, e.id) < (${place.at}::timestamptz, ${place.id}::bigint)`)
  }
  const rows = await query.execute()
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  return {
    items: items.map((row) => ({ ...row, at: row.at.toISOString() })),
    next_cursor: last === undefined ? null : encodeCursor([last.at.toISOString(), String(last.id)]),
  }
}

function placeOf(cursor: string): { at: Date; id: string } {
  const [time = '', id = ''] = decodeCursor(cursor, 2)
  if (!isMoment(time) || !/^\d{1,18}$/.test(id)) throw httpErrors.invalidCursor()
  return { at: new Date(time), id }
}
