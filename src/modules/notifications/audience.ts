import { sql } from 'kysely'
import type { Actor } from '#src/core/actor.ts'
import type { Tx } from '#src/database/database.ts'
import { httpErrors } from '#src/http/errors.ts'
import { notificationErrors } from './errors.ts'
import type { Audience } from './schemas.ts'
import { countRecipients } from './sending/recipients.ts'
import type { Recipients } from './store-notification.ts'

/** How many unknown users an answer names; a list of ten thousand would help nobody. */
const MAX_LISTED = 100

/**
 * The accounts that the audience means, each once. Everybody named must exist and be within the sender's reach,
 * or the whole request is refused: half a notification is worse than a clear no. To an agent, who is out of reach
 * and who does not exist are the same, and neither is named.
 */
export async function recipientsOf(tx: Tx, actor: Actor, audience: Audience): Promise<Recipients> {
  switch (audience.kind) {
    case 'user':
      return { kind: 'listed', accountIds: await knownUsers(tx, actor, [audience.user_id]) }
    case 'users':
      return { kind: 'listed', accountIds: await knownUsers(tx, actor, audience.user_ids) }
    case 'meter':
      return { kind: 'listed', accountIds: await meterUsers(tx, actor, audience.number) }
    case 'agency':
      return broadcastTo(tx, await knownAgency(tx, actor, audience.agency_id))
    case 'all':
      if (actor.role !== 'admin') throw httpErrors.forbidden()
      return broadcastTo(tx, null)
  }
}

async function broadcastTo(tx: Tx, agencyId: string | null): Promise<Recipients> {
  const count = await countRecipients(tx, { agencyId })
  if (count === 0) throw notificationErrors.noCustomer()
  return { kind: 'broadcast', agencyId, count }
}

/** An agent's own; any for others. */
async function knownAgency(tx: Tx, actor: Actor, agencyId: string): Promise<string> {
  const agency = tx.selectFrom('agency').select('agency.id').where('agency.id', '=', agencyId)
  const inReach =
    actor.role !== 'agent'
      ? agency
      : agency.innerJoin('account', 'account.agency_id', 'agency.id').where('account.id', '=', actor.accountId)
  const found = await inReach.executeTakeFirst()
  if (found === undefined) throw notificationErrors.unknownAgency()
  return found.id
}

async function knownUsers(tx: Tx, actor: Actor, userIds: readonly string[]): Promise<string[]> {
  const asked = new Set(userIds.map((id) => id.toLowerCase()))
  const found = await reachable(tx, actor, [...asked])
  if (found.length === asked.size) return found
  if (actor.role === 'agent') throw notificationErrors.unknownRecipient()
  for (const id of found) asked.delete(id)
  const missing = [...asked]
  throw notificationErrors.unknownRecipient({
    details: { unknown_user_ids: missing.slice(0, MAX_LISTED), unknown_count: missing.length },
  })
}

async function reachable(tx: Tx, actor: Actor, userIds: readonly string[]): Promise<string[]> {
  // From the ids asked for, each looked up by its key: of an array, the planner prefers to read every account.
  const users = tx
    .selectFrom(sql<{ id: string }>`unnest(${userIds}::uuid[])`.as<'asked'>(sql`asked (id)`))
    .innerJoin('account', 'account.id', 'asked.id')
    .select('account.id')
    .where('account.disabled_at', 'is', null)
  const inReach =
    actor.role !== 'agent'
      ? users
      : users.where((eb) =>
          eb.exists(
            eb
              .selectFrom('meter_link')
              .innerJoin('meter', 'meter.id', 'meter_link.meter_id')
              .innerJoin('account as agent', 'agent.agency_id', 'meter.agency_id')
              .select('meter.id')
              .whereRef('meter_link.account_id', '=', 'account.id')
              .where('meter_link.state', '=', 'accepted')
              .where('agent.id', '=', actor.accountId),
          ),
        )
  return (await inReach.execute()).map((row) => row.id)
}

async function meterUsers(tx: Tx, actor: Actor, number: string): Promise<string[]> {
  const meters = tx.selectFrom('meter').select('meter.id').where('meter.number', '=', number)
  const inReach =
    actor.role !== 'agent'
      ? meters
      : meters
          .innerJoin('account as agent', 'agent.agency_id', 'meter.agency_id')
          .where('agent.id', '=', actor.accountId)
  const meterIds = (await inReach.execute()).map((row) => row.id)
  if (meterIds.length === 0) throw notificationErrors.unknownMeter()
  const rows = await tx
    .selectFrom('meter_link')
    .innerJoin('account', 'account.id', 'meter_link.account_id')
    .select('account.id')
    .distinct()
    .where('meter_link.meter_id', 'in', meterIds)
    .where('meter_link.state', '=', 'accepted')
    .where('account.disabled_at', 'is', null)
    .execute()
  if (rows.length === 0) throw notificationErrors.noRecipient()
  return rows.map((row) => row.id)
}
