import type { Selectable } from 'kysely'
import type { Database } from '#src/database/database.ts'
import type { DeliveryTable } from '#src/database/tables/notifications.ts'

/** What the API says of a notification, and what the database knows behind it. */

export interface Accepted {
  readonly id: string
  readonly task_id: string
  readonly queue: string
  readonly state: string
  readonly status_url: string
}

export interface Status {
  readonly id: string
  readonly state: 'queued' | 'sending' | 'done' | 'cancelled'
  readonly counts: Counts
  readonly rate_per_minute: number | null
  readonly estimated_done_at: string | null
  readonly send_at: string
  readonly first_sent_at: string | null
  readonly done_at: string | null
  readonly cancelled_at: string | null
}

const NOTHING = {
  recipients: 0,
  recipients_done: 0,
  devices: 0,
  sent: 0,
  failed: 0,
  dead_tokens: 0,
  retrying: 0,
  held: 0,
  muted: 0,
  expired: 0,
}
export type Counts = Readonly<typeof NOTHING>

/** All that is not named is 0. */
export function countsOf(some: Partial<Counts>): Counts {
  return { ...NOTHING, ...some }
}

/** One for each device whose outcome is not counted alone, in the order of their ids. */
export function deliveriesOf({ db }: Database, notificationId: string): Promise<Selectable<DeliveryTable>[]> {
  return db
    .selectFrom('delivery')
    .selectAll()
    .where('notification_id', '=', notificationId)
    .orderBy('device_id')
    .execute()
}

/** The accounts that are listed one by one. */
export async function recipientsOf({ db }: Database, notificationId: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom('notification_recipient')
    .select('account_id')
    .where('notification_id', '=', notificationId)
    .execute()
  return new Set(rows.map((row) => row.account_id))
}
