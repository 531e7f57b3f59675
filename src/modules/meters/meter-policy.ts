import { isUuid } from '#src/core/uuid.ts'
import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'
import type { ObjectPolicy } from '#src/http/policy.ts'

/** Whoever has an accepted link to the meter named by the path, an agent of its agency, an admin. */
export function meterPolicy(db: Db, param: string): ObjectPolicy {
  return {
    kind: 'object',
    type: 'meter',
    param,
    allow: ['owner or share', 'agent of its agency', 'admin'],
    auditedAs: 'meter.read',
    check: (actor: Actor, meterId: string) => {
      if (!isUuid(meterId)) return false
      if (actor.role === 'admin') return meterExists(db, meterId)
      if (actor.role === 'agent') return isOfAgencyOf(db, meterId, actor.accountId)
      return isLinkedTo(db, meterId, actor.accountId)
    },
  }
}

/** Whether the user owns the meter or was let see it. */
export async function isLinkedTo(db: Db, meterId: string, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('meter_link')
    .select('id')
    .where('meter_id', '=', meterId)
    .where('account_id', '=', accountId)
    .where('state', '=', 'accepted')
    .executeTakeFirst()
  return row !== undefined
}

export async function isOfAgencyOf(db: Db, meterId: string, agentId: string): Promise<boolean> {
  const row = await db
    .selectFrom('account as agent')
    .innerJoin('meter', 'meter.agency_id', 'agent.agency_id')
    .select('meter.id')
    .where('agent.id', '=', agentId)
    .where('meter.id', '=', meterId)
    .executeTakeFirst()
  return row !== undefined
}

export async function meterExists(db: Db, meterId: string): Promise<boolean> {
  return (await db.selectFrom('meter').select('id').where('id', '=', meterId).executeTakeFirst()) !== undefined
}
