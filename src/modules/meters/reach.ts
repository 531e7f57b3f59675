import { isUuid } from '#src/core/uuid.ts'
import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'
import type { ObjectPolicy } from '#src/http/policy.ts'

/** Whether the user has an active link to a meter of the agent's agency: the agent's scope. */
export async function agentReachesUser(db: Db, agentId: string, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom('account as agent')
    .innerJoin('meter', 'meter.agency_id', 'agent.agency_id')
    .innerJoin('meter_link', 'meter_link.meter_id', 'meter.id')
    .select('meter.id')
    .where('agent.id', '=', agentId)
    .where('meter_link.account_id', '=', userId)
    .where('meter_link.state', '=', 'accepted')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function userExists(db: Db, userId: string): Promise<boolean> {
  return (await db.selectFrom('account').select('id').where('id', '=', userId).executeTakeFirst()) !== undefined
}

/** The user named by the path, an agent in whose scope the user is, an admin. */
export function userPolicy(db: Db, param: string): ObjectPolicy {
  return {
    kind: 'object',
    type: 'user',
    param,
    allow: ['self', 'agent in scope', 'admin'],
    auditedAs: 'user.read',
    check: (actor: Actor, userId: string) => {
      if (actor.accountId === userId) return true
      if (!isUuid(userId)) return false
      if (actor.role === 'admin') return userExists(db, userId)
      return actor.role === 'agent' && agentReachesUser(db, actor.accountId, userId)
    },
  }
}

/** The user named by the path alone. */
export function selfPolicy(param: string): ObjectPolicy {
  const check = (actor: Actor, userId: string) => actor.accountId === userId
  return { kind: 'object', type: 'user', param, allow: ['self'], auditedAs: null, check }
}
