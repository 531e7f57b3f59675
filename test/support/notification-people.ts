import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Actor } from '#src/core/actor.ts'
import type { Database } from '#src/database/database.ts'
import type { TypeName } from '#src/modules/notifications/types.ts'

/** Those whom notifications are for, and those who send them. */

export interface Caller {
  readonly id: string
  readonly role: Actor['role']
}

/** Before the clock begins: nobody's inbox shows broadcasts that are older than the account. */
const JOINED = new Date('2026-01-01T00:00:00Z')
let people = 0

/** A person without a way to log in: hashing secrets would only cost time here. */
export async function aPerson({ db }: Database): Promise<{ id: string }> {
  people += 1
  const phone = `+22170${String(people).padStart(7, '0')}`
  return db
    .insertInto('account')
    .values({ role: 'customer', phone, secret_hash: 'none', created_at: JOINED })
    .returning('id')
    .executeTakeFirstOrThrow()
}

export async function staff({ db }: Database, role: 'agent' | 'admin' | 'service', agencyId?: string): Promise<Caller> {
  const { id } = await db
    .insertInto('account')
    .values({ role, login: randomUUID(), secret_hash: 'none', agency_id: agencyId ?? null })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, role }
}

export async function anyAdmin(database: Database): Promise<{ id: string }> {
  const known = await database.db.selectFrom('account').select('id').where('role', '=', 'admin').executeTakeFirst()
  return known ?? staff(database, 'admin')
}

export async function aDevice(database: Database, accountId: string, target: string = randomUUID()): Promise<string> {
  const { id } = await database.db
    .insertInto('device')
    .values({ account_id: accountId, platform: 'android', target_kind: 'token', target })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** As many at once, in the order of their ids. Quick enough for a hundred thousand. */
export async function manyCustomers({ db }: Database, count: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with made as (
      insert into account (role, phone, secret_hash, created_at)
      select 'customer', '+22178' || lpad(n::text, 7, '0'), 'none', ${JOINED}::timestamptz from generate_series(1, ${count}::integer) as n
      returning id
    )
    select id from made order by id`.execute(db)
  return rows.map(({ id }) => id)
}

/** One for each customer, whose target is the account's id. */
export async function aDeviceEach({ db }: Database): Promise<void> {
  await sql`insert into device (account_id, platform, target_kind, target)
    select id, 'android', 'token', id::text from account where role = 'customer'`.execute(db)
}

/** Everybody who could get a broadcast, gone with what is theirs. */
export async function removeCustomers({ db }: Database): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Tens of thousands would be looked up one by one in each table that refers to them.
    await sql`set local session_replication_role = replica`.execute(tx)
    for (const table of ['device', 'meter_link', 'push_preference', 'notification_recipient'] as const) {
      await tx.deleteFrom(table).execute()
    }
    await tx.deleteFrom('account').where('role', '=', 'customer').execute()
  })
}

/** @param wishes times as `HH:MM` */
export async function aPreference(
  { db }: Database,
  accountId: string,
  wishes: { readonly muted?: readonly TypeName[]; readonly quiet?: readonly [from: string, until: string] },
): Promise<void> {
  const [from = null, until = null] = wishes.quiet ?? []
  await db
    .insertInto('push_preference')
    .values({
      account_id: accountId,
      muted_types: [...(wishes.muted ?? [])],
      quiet_from: from,
      quiet_until: until,
      updated_at: new Date(),
    })
    .execute()
}
