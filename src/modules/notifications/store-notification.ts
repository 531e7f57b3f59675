import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import type { Payload } from './payload.ts'
import type { Priority } from './priorities.ts'
import { startTask } from './sending/queue-tasks.ts'

/** Whom a notification is for: accounts by name, or everyone (`agencyId` null) or an agency's customers. */
export type Recipients =
  | { readonly kind: 'listed'; readonly accountIds: readonly string[] }
  | { readonly kind: 'broadcast'; readonly agencyId: string | null; readonly count: number }

export function recipientCount(recipients: Recipients): number {
  return recipients.kind === 'broadcast' ? recipients.count : recipients.accountIds.length
}

export interface NewNotification extends Payload {
  /** Null: the system itself. */
  readonly senderId: string | null
  readonly priority: Priority
  /** As it was asked for. */
  readonly audience: Readonly<Record<string, unknown>>
  readonly recipients: Recipients
  readonly at: Date
  /** Undefined, or past: at once. */
  readonly sendAt?: Date | undefined
  readonly expiresAt?: Date | undefined
}

export interface Stored {
  readonly id: string
  readonly taskId: string
}

/** Stores a notification, whom it is for, and the task that sends it. */
export async function storeNotification(tx: Tx, notification: NewNotification): Promise<Stored> {
  const { recipients, at, sendAt, priority } = notification
  const [id, taskId] = [randomUUID(), randomUUID()]
  const visibleAt = sendAt !== undefined && sendAt > at ? sendAt : at
  await tx
    .insertInto('notification')
    .values({
      id,
      sender_id: notification.senderId,
      type: notification.type,
      title: notification.title,
      body: notification.body,
      data: JSON.stringify(notification.data),
      priority,
      audience: JSON.stringify(notification.audience),
      task_id: taskId,
      state: 'queued',
      is_broadcast: recipients.kind === 'broadcast',
      agency_id: recipients.kind === 'broadcast' ? recipients.agencyId : null,
      recipients: recipientCount(recipients),
      queued_at: at,
      visible_at: visibleAt,
      expires_at: notification.expiresAt ?? null,
    })
    .execute()
  if (recipients.kind === 'listed') {
    await sql`insert into notification_recipient (notification_id, account_id, visible_at)
      select ${id}::uuid, account_id, ${visibleAt}::timestamptz
      from unnest(${recipients.accountIds}::uuid[]) as account_id`.execute(tx)
  }
  await addToOutbox(tx, [startTask({ id, priority }, taskId, visibleAt)])
  return { id, taskId }
}
