import { sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'

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

/**
 * One target is one device: whoever had it before loses it. False, and nothing changes, when the session has ended: it may
 * have meanwhile, on another instance, and who logged out must not be pushed to. The device is locked before the session,
 * as a login and a logout do it. Not for the middle of a transaction, as `giveTarget` says.
 */
export async function setTarget(
  db: Db,
  session: { readonly id: string; readonly deviceId: string },
  { kind, value }: Target,
  now: Date,
): Promise<boolean> {
  const { rows } = await giveTarget(() =>
    sql`
      with held as (
        select id from device where id = ${session.deviceId} or (target_kind = ${kind} and target = ${value})
        order by id for no key update),
      live as (
        select id from session where id = ${session.id} and ended_at is null and exists (select from held) for share),
      silenced as (
        update device set target = null, target_kind = null
        where id in (select id from held) and id <> ${session.deviceId} and target_kind = ${kind} and target = ${value}
          and exists (select from live)
        returning id)
      update device set target = ${value}, target_kind = ${kind}, target_renewed_at = ${now}, last_seen_at = ${now}
      from (select count(*) from silenced) as after_silencing
      where id = ${session.deviceId} and exists (select from live)
      returning id`.execute(db),
  )
  return rows.length > 0
}

/** Each time one of those that bring the same target at the same moment has got it. */
const MOST_ATTEMPTS = 10

/**
 * Runs a statement that takes a target from one device and gives it to another. It locks the devices that it changes in
 * the order of their ids, so that two that swap their targets do not wait for each other in a ring. Who got the target
 * while the statement waited is not among them: the index then refuses the statement whole, and it is run again, which
 * sees them. In a transaction it could not be, and what was locked before would stay so.
 */
export async function giveTarget<T>(statement: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement()
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !isTakenMeanwhile(error)) throw error
    }
  }
}

const isTakenMeanwhile = (error: unknown): boolean =>
  error instanceof Error && 'constraint' in error && error.constraint === 'device_target_once'

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
