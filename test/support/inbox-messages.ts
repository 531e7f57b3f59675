import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { aPhone } from './factories.ts'

export interface MessageFields {
  /** Addressed by name. Left out, it is a broadcast. */
  readonly to?: readonly string[]
  /** Of a broadcast; left out, it is for everyone. */
  readonly agencyId?: string
  readonly at: number
  readonly id?: string
  readonly title?: string
  readonly body?: string
}

/** A message as sending leaves it in the database, visible from `at` on. Commits when `db` does. */
export async function aMessage(db: Db, fields: MessageFields): Promise<string> {
  const { to, agencyId = null, at, id = randomUUID(), title = 'Coupure', body = 'Demain de 8 h à 14 h.' } = fields
  const visibleAt = new Date(at)
  await db
    .insertInto('notification')
    .values({
      id,
      title,
      body,
      type: 'outage',
      data: '{}',
      priority: 'normal',
      task_id: randomUUID(),
      audience: JSON.stringify({ kind: to === undefined ? 'all' : 'users' }),
      state: 'sending',
      is_broadcast: to === undefined,
      agency_id: agencyId,
      recipients: to?.length ?? 0,
      queued_at: visibleAt,
      visible_at: visibleAt,
    })
    .execute()
  if (to !== undefined) {
    await sql`insert into notification_recipient (notification_id, account_id, visible_at)
      select ${id}::uuid, account_id, ${visibleAt}::timestamptz from unnest(${to}::uuid[]) as account_id`.execute(db)
  }
  return id
}

/** A customer who sees the broadcasts that come after `since`. */
export async function aReader(db: Db, since: number): Promise<string> {
  const { id } = await db
    .insertInto('account')
    .values({ role: 'customer', phone: aPhone(), secret_hash: 'none', created_at: new Date(since) })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
