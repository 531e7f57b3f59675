import { randomUUID } from 'node:crypto'
import type { Db } from '#src/database/database.ts'

/** A customer with one device. */
export interface Person {
  readonly id: string
  readonly deviceId: string
  readonly target: string
}

export async function somePeople(db: Db, count: number): Promise<Person[]> {
  const accounts = await db
    .insertInto('account')
    .values(
      Array.from({ length: count }, (_, index) => ({
        role: 'customer' as const,
        phone: `+22176${String(index).padStart(7, '0')}`,
        secret_hash: 'none',
      })),
    )
    .returning('id')
    .execute()
  const devices = await db
    .insertInto('device')
    .values(
      accounts.map(({ id }) => ({
        account_id: id,
        platform: 'android' as const,
        target_kind: 'token' as const,
        target: randomUUID(),
      })),
    )
    .returning(['id', 'account_id', 'target'])
    .execute()
  return devices.map(({ id, account_id, target }) => ({ id: account_id, deviceId: id, target: target ?? '' }))
}
