import type {
  AccountTable,
  AgencyTable,
  DeviceTable,
  LoginGuardTable,
  RefreshTokenTable,
  SessionTable,
} from '#src/database/tables/accounts.ts'
import type { AuditEntryTable } from '#src/database/tables/audit.ts'
import type {
  ConsumptionEntryTable,
  ConsumptionMonthTable,
  MeterReadingStateTable,
} from '#src/database/tables/consumption.ts'
import type { LeaseTable } from '#src/database/tables/leases.ts'
import type { MeterLinkTable, MeterTable } from '#src/database/tables/meters.ts'
import type {
  DeliveryTable,
  DeliveryTallyTable,
  IdempotencyKeyTable,
  NotificationChunkTable,
  NotificationReceiptTable,
  NotificationRecipientTable,
  NotificationTable,
  OutboxTable,
  TargetQuarantineTable,
} from '#src/database/tables/notifications.ts'
import type { PushPreferenceTable } from '#src/database/tables/preferences.ts'
import type { OneTimeCodeTable } from '#src/database/tables/one-time-codes.ts'
import type { TaskAttemptTable } from '#src/database/tables/task-attempts.ts'

/** Every table of the database `samaconso`, as migrations/ makes them. */
export interface Schema {
  agency: AgencyTable
  account: AccountTable
  device: DeviceTable
  session: SessionTable
  refresh_token: RefreshTokenTable
  login_guard: LoginGuardTable
  meter: MeterTable
  meter_link: MeterLinkTable
  one_time_code: OneTimeCodeTable
  lease: LeaseTable
  consumption_entry: ConsumptionEntryTable
  consumption_month: ConsumptionMonthTable
  meter_reading_state: MeterReadingStateTable
  notification: NotificationTable
  notification_recipient: NotificationRecipientTable
  notification_receipt: NotificationReceiptTable
  notification_chunk: NotificationChunkTable
  delivery: DeliveryTable
  delivery_tally: DeliveryTallyTable
  target_quarantine: TargetQuarantineTable
  push_preference: PushPreferenceTable
  outbox: OutboxTable
  idempotency_key: IdempotencyKeyTable
  task_attempt: TaskAttemptTable
  audit_entry: AuditEntryTable
}
