import type { Selectable } from 'kysely'
import type { Db } from '#src/database/database.ts'
import type { PushPreferenceTable } from '#src/database/tables/preferences.ts'
import { NOTIFICATION_TYPES, type TypeName } from '#src/modules/notifications/types.ts'
import { preferenceErrors } from './errors.ts'

export type StoredPreference = Omit<Selectable<PushPreferenceTable>, 'account_id'>

export interface Choice {
  readonly accountId: string
  readonly mutedTypes: readonly TypeName[]
  /** `HH:MM` */
  readonly quietHours: { readonly from: string; readonly until: string } | null
  readonly now: Date
}

const COLUMNS = ['muted_types', 'quiet_from', 'quiet_until', 'updated_at'] as const

/** Undefined for an account that has chosen nothing: it is pushed everything. */
export function preferenceOf(db: Db, accountId: string): Promise<StoredPreference | undefined> {
  return db.selectFrom('push_preference').select(COLUMNS).where('account_id', '=', accountId).executeTakeFirst()
}

/** Replaces what the account had chosen. Throws `not-muteable` or `empty-quiet-hours`, and then nothing is stored. */
export async function storePreference(db: Db, choice: Choice): Promise<StoredPreference> {
  const { accountId, mutedTypes, quietHours, now } = choice
  const fixed = mutedTypes.filter((type) => !NOTIFICATION_TYPES[type].isMuteable)
  if (fixed.length > 0) throw preferenceErrors.notMuteable({ details: { types: fixed } })
  if (quietHours !== null && quietHours.from === quietHours.until) throw preferenceErrors.emptyQuietHours()
  const row = {
    muted_types: [...mutedTypes],
    quiet_from: quietHours?.from ?? null,
    quiet_until: quietHours?.until ?? null,
    updated_at: now,
  }
  return db
    .insertInto('push_preference')
    .values({ account_id: accountId, ...row })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
}
