import { type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import type { AccountRange } from './account-range.ts'
import type { Sending } from './sending.ts'

type Audience = Pick<Sending, 'id' | 'isBroadcast' | 'agencyId'>

/**
 * The recipients in a range as `select account_id …`, without an order. Of a broadcast they are found anew each time,
 * by the customers' key: nobody is listed, and a statement looks at no more accounts than the range holds.
 */
export function recipientsIn(audience: Audience, { after, through }: AccountRange): RawBuilder<unknown> {
  if (!audience.isBroadcast) {
    return sql`select account_id from notification_recipient
      where notification_id = ${audience.id} and account_id > ${after} and account_id <= ${through}`
  }
  return sql`select a.id as account_id from account a
    where a.id > ${after} and a.id <= ${through} and ${isMeant(audience)}`
}

/** How many recipients a broadcast has. One pass over an index, a fraction of a second for a million. */
export async function countRecipients(db: Db | Tx, audience: Pick<Audience, 'agencyId'>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from account a where ${isMeant(audience)}`.execute(db)
  return rows[0]?.count ?? 0
}

/** Whether the account `a` is meant by a broadcast. */
function isMeant({ agencyId }: Pick<Audience, 'agencyId'>): RawBuilder<boolean> {
  const isCustomer = sql<boolean>`a.role = 'customer' and a.disabled_at is null`
  if (agencyId === null) return isCustomer
  // The offset keeps the planner from joining all links of all customers for the few accounts of a range.
  return sql<boolean>`${isCustomer} and exists (
    select from meter_link l join meter m on m.id = l.meter_id
    where l.account_id = a.id and l.state = 'accepted' and m.agency_id = ${agencyId} offset 0
  )`
}
