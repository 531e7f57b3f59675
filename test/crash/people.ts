import { randomUUID } from 'node:crypto'
import type { Db } from '#src/database/database.ts'
import { aLink, aMeter, anAgency } from '#test/support/factories.ts'

/** A customer with one device. */
export interface Person {
  readonly id: string
  readonly deviceId: string
  readonly target: string
}

export interface Agency {
  readonly id: string
  readonly people: readonly Person[]
}

/** People whose apps may be removed share a prefix of their targets by twos, for a rule of FCM each. */
export const DOOMED_GROUPS = 30
const DOOMED_GROUP = 2

export const doomedPrefix = (group: number): string => `doomed-${group}-`

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
  const prefixOf = (index: number): string => {
    const group = Math.floor(index / DOOMED_GROUP)
    return group < DOOMED_GROUPS ? doomedPrefix(group) : ''
  }
  const devices = await db
    .insertInto('device')
    .values(
      accounts.map(({ id }, index) => ({
        account_id: id,
        platform: 'android' as const,
        target_kind: 'token' as const,
        target: `${prefixOf(index)}${randomUUID()}`,
      })),
    )
    .returning(['id', 'account_id', 'target'])
    .execute()
  return devices.map(({ id, account_id, target }) => ({ id: account_id, deviceId: id, target: target ?? '' }))
}

/** An agency of which every `step`th person is a customer. */
export async function anAgencyOf(db: Db, people: readonly Person[], step: number): Promise<Agency> {
  const { id } = await anAgency(db)
  const customers = people.filter((_person, index) => index % step === 0)
  for (const { id: accountId } of customers) {
    const meter = await aMeter(db, { agencyId: id })
    await aLink(db, { meterId: meter.id, accountId })
  }
  return { id, people: customers }
}
