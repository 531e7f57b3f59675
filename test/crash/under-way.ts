import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { pushKey } from './receipts.ts'

/** Every push that, by the database, somebody may be sending now; their outcomes are unknown when that somebody dies. */
export async function pushesUnderWay(db: Db): Promise<string[]> {
  const { rows } = await sql<{ notification_id: string; target: string }>`
    select c.notification_id, d.target
    from notification_chunk c
    join notification n on n.id = c.notification_id
    join device d on d.account_id > c.settled_through and d.account_id <= c.sending_through and d.target is not null
    where c.done_at is null and c.leased_until > now()
      and (n.is_broadcast or exists (
        select from notification_recipient r where r.notification_id = n.id and r.account_id = d.account_id
      ))
    union all
    select x.notification_id, d.target
    from delivery x join device d on d.id = x.device_id and d.target is not null
    where x.state = 'pending' and x.next_attempt_at > now()`.execute(db)
  return rows.map(({ notification_id, target }) => pushKey(notification_id, target))
}
