import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'

/** How one installation of the app introduces itself at login. */
export interface DeviceInput {
  readonly id?: string
  readonly name?: string
  readonly platform: 'android' | 'ios' | 'web'
  readonly push_token?: string
  readonly push_fid?: string
}

export interface TargetInput {
  readonly push_token?: string
  readonly push_fid?: string
}

export interface Target {
  readonly kind: 'token' | 'fid'
  readonly value: string
}

/** A fid wins over a token: once a device is in fid mode its old token may stop. */
export function targetOf(input: TargetInput): Target | undefined {
  if (input.push_fid !== undefined) return { kind: 'fid', value: input.push_fid }
  if (input.push_token !== undefined) return { kind: 'token', value: input.push_token }
  return undefined
}

/** One target is one device: whoever had it before loses it. */
export async function setTarget(tx: Tx, deviceId: string, target: Target, now: Date): Promise<void> {
  await tx
    .updateTable('device')
    .set({ target: null, target_kind: null })
    .where('target_kind', '=', target.kind)
    .where('target', '=', target.value)
    .where('id', '<>', deviceId)
    .execute()
  await tx
    .updateTable('device')
    .set({ target: target.value, target_kind: target.kind, target_renewed_at: now, last_seen_at: now })
    .where('id', '=', deviceId)
    .execute()
}

const SEEN_EVERY_MS = 86_400_000

/** Whether it is worth writing down that a device was seen: once a day is enough to tell those that are in use. */
export function isSeenAnew(lastSeenAt: Date, now: Date): boolean {
  return now.getTime() - lastSeenAt.getTime() >= SEEN_EVERY_MS
}

/** Never waits for the device: a login locks it before the session, whoever calls this may hold the session already. */
export async function noteSeen(tx: Tx, deviceId: string, now: Date): Promise<void> {
  await sql`
    update device set last_seen_at = ${now}
    where id = (select id from device where id = ${deviceId} for update skip locked)`.execute(tx)
}

/** The device of a session, locked as an update would; undefined where it has none. */
export function lockDeviceOf(tx: Tx, sessionId: string): Promise<{ id: string } | undefined> {
  return tx
    .selectFrom('device')
    .select('id')
    .where('id', '=', (eb) => eb.selectFrom('session').select('device_id').where('session.id', '=', sessionId))
    .forNoKeyUpdate()
    .executeTakeFirst()
}

export async function clearTarget(tx: Tx, deviceId: string): Promise<void> {
  await tx.updateTable('device').set({ target: null, target_kind: null }).where('id', '=', deviceId).execute()
}
