import type { ColumnType, Generated } from 'kysely'

type Json<T> = ColumnType<T, string, string>

export interface NotificationTable {
  id: string
  sender_id: string | null
  type: string
  title: string
  body: string
  data: Json<Record<string, string>>
  priority: 'urgent' | 'high' | 'normal' | 'low'
  audience: Json<Record<string, unknown>>
  task_id: string
  state: 'queued' | 'sending' | 'done' | 'cancelled'
  is_broadcast: Generated<boolean>
  agency_id: string | null
  recipients: number
  fanned_out_through: string | null
  fanned_out_at: Date | null
  queued_at: Date
  visible_at: Date
  expires_at: Date | null
  first_sent_at: Date | null
  done_at: Date | null
  cancelled_at: Date | null
  cancelled_by: string | null
}

export interface NotificationRecipientTable {
  notification_id: string
  account_id: string
  visible_at: Date
  read_at: Date | null
}

export interface NotificationReceiptTable {
  account_id: string
  notification_id: string
  read_at: Date
}

export interface NotificationChunkTable {
  notification_id: string
  number: number
  after_account: string
  through_account: string
  recipients: Generated<number>
  devices_left: Generated<number>
  settled_through: string
  sending_through: string | null
  lease: Generated<number>
  leased_until: Date | null
  sent: Generated<number>
  muted: Generated<number>
  expired: Generated<number>
  done_at: Date | null
}

export interface DeliveryTable {
  notification_id: string
  device_id: string
  state: 'pending' | 'sent' | 'failed' | 'dead' | 'retrying' | 'held' | 'expired'
  attempts: number
  first_tried_at: Date
  next_attempt_at: Date | null
  provider_id: string | null
  reason: string | null
  maybe_duplicate: Generated<boolean>
  updated_at: Date
}

export interface DeliveryTallyTable {
  notification_id: string
  state: DeliveryTable['state']
  devices: number
}

export interface TargetQuarantineTable {
  device_id: string
  target: string
  reason: string
  since: Date
}

export interface OutboxTable {
  key: string
  task_id: string
  task: string
  queue: string
  priority: number
  kwargs: Json<Record<string, unknown>>
  not_before: Date
  created_at: Generated<Date>
}

export interface IdempotencyKeyTable {
  account_id: string
  key: string
  body_hash: Buffer
  status: number
  answer: Json<Record<string, unknown>>
  created_at: Date
}
