import type { Actor } from '#src/core/actor.ts'
import { isUuid } from '#src/core/uuid.ts'
import type { Db } from '#src/database/database.ts'
import type { ObjectPolicy } from '#src/http/policy.ts'
import { isLinkedTo, isOfAgencyOf, meterExists } from '../meter-policy.ts'

/** Whoever owns the meter named by the path or is let see it. */
export function linkedPolicy(db: Db, param: string): ObjectPolicy {
  const check = (actor: Actor, meterId: string) =>
    actor.role === 'customer' && isUuid(meterId) && isLinkedTo(db, meterId, actor.accountId)
  return { kind: 'object', type: 'meter', param, allow: ['owner or share'], auditedAs: null, check }
}

/** As `linkedPolicy`, and whoever has asked for it. */
export function ownLinkPolicy(db: Db, param: string): ObjectPolicy {
  const check = (actor: Actor, meterId: string) =>
    actor.role === 'customer' && isUuid(meterId) && hasLiveLink(db, meterId, actor.accountId)
  return { kind: 'object', type: 'meter', param, allow: ['owner, share or request'], auditedAs: null, check }
}

/** Who is told with whom the meter named by the path is shared. */
export function sharesPolicy(db: Db, param: string): ObjectPolicy {
  return {
    kind: 'object',
    type: 'meter',
    param,
    allow: ['owner', 'agent of its agency', 'admin'],
    auditedAs: 'meter_link.read',
    check: (actor, meterId) => isUuid(meterId) && mayDecideOn(db, actor, meterId),
  }
}

/** Who may decide on the link named by the path. */
export function linkPolicy(db: Db, param: string): ObjectPolicy {
  return {
    kind: 'object',
    type: 'link',
    param,
    allow: ['owner of its meter', 'agent of its agency', 'admin'],
    auditedAs: 'meter_link.read',
    check: async (actor, linkId) => {
      if (!isUuid(linkId)) return false
      const link = await db.selectFrom('meter_link').select('meter_id').where('id', '=', linkId).executeTakeFirst()
      return link !== undefined && mayDecideOn(db, actor, link.meter_id)
    },
  }
}

async function mayDecideOn(db: Db, actor: Actor, meterId: string): Promise<boolean> {
  if (actor.role === 'admin') return meterExists(db, meterId)
  if (actor.role === 'agent') return isOfAgencyOf(db, meterId, actor.accountId)
  const owning = await db
    .selectFrom('meter_link')
    .select('id')
    .where('meter_id', '=', meterId)
    .where('account_id', '=', actor.accountId)
    .where('role', '=', 'owner')
    .where('state', '=', 'accepted')
    .executeTakeFirst()
  return owning !== undefined
}

async function hasLiveLink(db: Db, meterId: string, accountId: string): Promise<boolean> {
  const link = await db
    .selectFrom('meter_link')
    .select('id')
    .where('meter_id', '=', meterId)
    .where('account_id', '=', accountId)
    .where('state', 'in', ['pending', 'accepted'])
    .executeTakeFirst()
  return link !== undefined
}
