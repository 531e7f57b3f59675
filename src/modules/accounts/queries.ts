import type { Selectable } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { AccountTable } from '#src/database/tables/accounts.ts'

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

/** What an account is named by when it logs in: customers by their phone, staff by their login. */
export interface Identifier {
  readonly kind: 'phone' | 'login'
  readonly value: string
}

/** The account, and whether it has logged in on this installation before. One question, known account or not. */
export function accountByIdentifier(db: Db, { kind, value }: Identifier, installationId: string | undefined) {
  return selectAccount(db)
    .select((expression) =>
      expression
        .exists(
          expression
            .selectFrom('device')
            .select('device.id')
            .whereRef('device.account_id', '=', 'account.id')
            .where('device.installation_id', '=', installationId ?? null),
        )
        .as('is_known_device'),
    )
    .where(kind, '=', value)
    .executeTakeFirst()
}
