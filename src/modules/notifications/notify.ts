import type { Tx } from '#src/database/database.ts'
import { checkPayload } from './payload.ts'
import type { Priority } from './priorities.ts'
import { storeNotification } from './store-notification.ts'
import type { TypeName } from './types.ts'

/** What the system itself tells its users. */
export interface Notice {
  readonly accountIds: readonly string[]
  readonly type: TypeName
  readonly title: string
  readonly body: string
  readonly data: Readonly<Record<string, string>>
  readonly priority: Priority
  readonly at: Date
}

/** Stores a notice with the change that it tells of, in one transaction; the notification's id. Publish the outbox after it. */
export async function notifyAccounts(tx: Tx, { accountIds, ...notice }: Notice): Promise<string> {
  checkPayload(notice)
  const recipients = { kind: 'listed', accountIds: [...new Set(accountIds)] } as const
  const audience = { kind: 'users', count: recipients.accountIds.length }
  const { id } = await storeNotification(tx, { ...notice, senderId: null, audience, recipients })
  return id
}
