import { type ExpressionBuilder, sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { Schema } from '#src/database/schema.ts'
import type { LinkState } from './states.ts'

/**
 * Every change of links is made under a lock of the meter's row, and then of the rows of all accounts whose links
 * change, in the order of their ids: two changes of one meter, and two of one account's default, come one after the
 * other and never wait for each other in a ring.
 */
export function lockMeter(tx: Tx, meterId: string) {
  return tx
    .selectFrom('meter')
    .select(['id', 'number', 'kind', 'agency_id', 'tariff_class'])
    .where('id', '=', meterId)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

export type LockedMeter = NonNullable<Awaited<ReturnType<typeof lockMeter>>>

export interface Person {
  readonly id: string
  readonly phone: string | null
  readonly language: 'fr' | 'en'
  readonly first_name: string
  readonly last_name: string
}

export function lockPeople(tx: Tx, accountIds: readonly string[]): Promise<Person[]> {
  return tx
    .selectFrom('account')
    .select(['id', 'phone', 'language', 'first_name', 'last_name'])
    .where((eb) => eb('id', '=', eb.fn.any(eb.val(accountIds))))
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
}

export interface Link {
  readonly id: string
  readonly meter_id: string
  readonly account_id: string
  readonly role: 'owner' | 'shared'
  readonly state: LinkState
  readonly decided_at: Date | null
}

const selectLinks = (tx: Tx) =>
  tx.selectFrom('meter_link').select(['id', 'meter_id', 'account_id', 'role', 'state', 'decided_at'])

export function linkById(tx: Tx, linkId: string): Promise<Link | undefined> {
  return selectLinks(tx).where('id', '=', linkId).executeTakeFirst()
}

export function linkOf(tx: Tx, meterId: string, accountId: string): Promise<Link | undefined> {
  return selectLinks(tx).where('meter_id', '=', meterId).where('account_id', '=', accountId).executeTakeFirst()
}

/** The link of the one who owns the meter, if anybody does. */
export function ownerLink(tx: Tx, meterId: string): Promise<Link | undefined> {
  return selectLinks(tx)
    .where('meter_id', '=', meterId)
    .where('role', '=', 'owner')
    .where('state', '=', 'accepted')
    .executeTakeFirst()
}

/** The shares of a meter in one state, all of them: they change together. */
export function sharesIn(tx: Tx, meterId: string, state: LinkState): Promise<Link[]> {
  return selectLinks(tx)
    .where('meter_id', '=', meterId)
    .where('role', '=', 'shared')
    .where('state', '=', state)
    .orderBy('id')
    .execute()
}

/** A new request, or one more for a link that ended. */
export async function openRequest(
  tx: Tx,
  request: { meterId: string; accountId: string; role: Link['role']; at: Date },
): Promise<void> {
  const { meterId, accountId, role, at } = request
  const asked = { role, state: 'pending', asked_at: at, decided_at: null, decided_by: null } as const
  await tx
    .insertInto('meter_link')
    .values({ meter_id: meterId, account_id: accountId, ...asked })
    .onConflict((conflict) => conflict.columns(['meter_id', 'account_id']).doUpdateSet(asked))
    .execute()
}

export interface Decided {
  readonly by: string
  readonly at: Date
}

/** An account's first meter becomes its default. */
export async function acceptLink(tx: Tx, link: Link, role: Link['role'], { by, at }: Decided): Promise<void> {
  const hasNoOtherDefault = sql<boolean>`not exists (
    select from meter_link as other
    where other.account_id = meter_link.account_id and other.is_default and other.id <> meter_link.id)`
  await tx
    .updateTable('meter_link')
    .set({ role, state: 'accepted', decided_at: at, decided_by: by, is_default: hasNoOtherDefault })
    .where('id', '=', link.id)
    .execute()
}

/** When the default goes, the oldest meter that is left takes over. */
export async function endLink(tx: Tx, link: Link, state: 'refused' | 'revoked', { by, at }: Decided): Promise<void> {
  await tx
    .updateTable('meter_link')
    .set({ state, decided_at: at, decided_by: by, is_default: false })
    .where('id', '=', link.id)
    .execute()
  const ofAccount = (eb: ExpressionBuilder<Schema, 'meter_link'>) =>
    eb.selectFrom('meter_link as other').select('other.id').where('other.account_id', '=', link.account_id)
  // Asked of the table: the default may have been another one when the link was read.
  await tx
    .updateTable('meter_link')
    .set({ is_default: true })
    .where('id', '=', (eb) =>
      ofAccount(eb).where('other.state', '=', 'accepted').orderBy('other.created_at').orderBy('other.id').limit(1),
    )
    .where((eb) => eb.not(eb.exists(ofAccount(eb).where('other.is_default', '=', true))))
    .execute()
}
