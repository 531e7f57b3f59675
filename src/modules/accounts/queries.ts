import type { Selectable } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { AccountTable } from '#src/database/tables/accounts.ts'
import type { Identifier } from './login.ts'

export type AccountRow = Pick<
  Selectable<AccountTable>,
  | 'id'
  | 'role'
  | 'phone'
  | 'login'
  | 'secret_hash'
  | 'first_name'
  | 'last_name'
  | 'language'
  | 'agency_id'
  | 'disabled_at'
  | 'created_at'
>

function selectAccount(db: Db) {
  return db
    .selectFrom('account')
    .select([
      'id',
      'role',
      'phone',
      'login',
      'secret_hash',
      'first_name',
      'last_name',
      'language',
      'agency_id',
      'disabled_at',
      'created_at',
    ])
}

export function accountById(db: Db, id: string): Promise<AccountRow | undefined> {
  return selectAccount(db).where('id', '=', id).executeTakeFirst()
}

export function accountByIdentifier(db: Db, { kind, value }: Identifier): Promise<AccountRow | undefined> {
  return selectAccount(db).where(kind, '=', value).executeTakeFirst()
}

/** Whether this account has logged in on this installation before. Asked for unknown accounts too, to take as long. */
export async function isKnownDevice(db: Db, accountId: string | undefined, installationId: string): Promise<boolean> {
  const row = await db
    .selectFrom('device')
    .select('id')
    .where('account_id', '=', accountId ?? NOBODY)
    .where('installation_id', '=', installationId)
    .executeTakeFirst()
  return row !== undefined
}

const NOBODY = '00000000-0000-0000-0000-000000000000'
