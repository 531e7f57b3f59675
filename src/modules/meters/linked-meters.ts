import type { Actor } from '#src/core/actor.ts'
import type { Db } from '#src/database/database.ts'

/** Which of a user's meters the caller may see. */
export type MeterScope = { readonly kind: 'all' } | { readonly kind: 'agency'; readonly agencyId: string }

/** What a source is asked for. */
export interface Meter {
  readonly id: string
  readonly kind: 'prepaid' | 'postpaid'
  /** The number on a Woyofal meter; the contract account of a classic one. */
  readonly number: string
  /** Only prepaid meters have one. */
  readonly police: string | null
}

export interface LinkedMeter extends Meter {
  readonly role: 'owner' | 'shared'
}

/** The meters that the user owns or was let see, oldest link first. All of them: totals are made over the list. */
export function linkedMeters(db: Db, userId: string, scope: MeterScope): Promise<LinkedMeter[]> {
  const all = db
    .selectFrom('meter_link')
    .innerJoin('meter', 'meter.id', 'meter_link.meter_id')
    .select(['meter.id', 'meter.kind', 'meter.number', 'meter.police', 'meter_link.role'])
    .where('meter_link.account_id', '=', userId)
    .where('meter_link.state', '=', 'accepted')
    .orderBy('meter_link.created_at')
    .orderBy('meter.id')
  return (scope.kind === 'all' ? all : all.where('meter.agency_id', '=', scope.agencyId)).execute()
}

/** For whoever the meter's policy has let in. */
export function meterById(db: Db, meterId: string): Promise<Meter | undefined> {
  return db.selectFrom('meter').select(['id', 'kind', 'number', 'police']).where('id', '=', meterId).executeTakeFirst()
}

/**
 * What the caller may see of a user, once the route's policy has let the caller in: an agent only what belongs to the
 * agency, the user and an admin everything. Undefined for an agent who has lost the agency since.
 */
export function meterScope(db: Db, actor: Actor, userId: string): MeterScope | Promise<MeterScope | undefined> {
  if (actor.accountId === userId || actor.role !== 'agent') return { kind: 'all' }
  return agencyScope(db, actor.accountId)
}

async function agencyScope(db: Db, agentId: string): Promise<MeterScope | undefined> {
  const agent = await db.selectFrom('account').select('agency_id').where('id', '=', agentId).executeTakeFirst()
  return agent?.agency_id == null ? undefined : { kind: 'agency', agencyId: agent.agency_id }
}

/** Everyone whose answers show this meter. */
export async function usersOfMeter(db: Db, meterId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('meter_link')
    .select('account_id')
    .where('meter_id', '=', meterId)
    .where('state', '=', 'accepted')
    .execute()
  return rows.map((row) => row.account_id)
}
