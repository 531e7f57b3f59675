import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { type DeviceInput, giveTarget, targetOf } from './devices.ts'
import { newRefreshToken } from './tokens.ts'

export interface OpenedSession {
  readonly accountId: string
  readonly sessionId: string
  readonly refreshToken: string
}

export interface OpenSession {
  readonly accountId: string
  readonly device: DeviceInput | undefined
  /** The count of failed logins that this success forgives. */
  readonly guardKey: Buffer
  readonly now: Date
  readonly expiresAt: Date
}

/**
 * Everything that a login changes, as one statement and so one transaction: a login in ten steps spent as much CPU on
 * them as on the hash. Returns also the sessions that this one replaces on its device.
 *
 * - `held`: every device that it changes, locked in one order (`giveTarget`).
 * - `silenced`: a telephone that changes hands must not show its new user what is sent to the one before, and one
 *   push target is one device. `device` reads from it, so that the target is free before it is given anew.
 * - `replaced`: one device has one session.
 */
export async function openSession(db: Db, input: OpenSession): Promise<{ opened: OpenedSession; replaced: string[] }> {
  const { accountId, device, guardKey, now, expiresAt } = input
  const sessionId = randomUUID()
  const { token, hash } = newRefreshToken()
  const deviceSteps =
    device === undefined ? sql`device as (select null::uuid as id)` : deviceStatement(accountId, device, now)
  const statement = sql<{ id: string }>`
    with forgiven as (delete from login_guard where key = ${guardKey}),
    ${deviceSteps},
    replaced as (
      update session set ended_at = ${now}, end_reason = 'replaced'
      where device_id = (select id from device) and ended_at is null returning id),
    opened as (
      insert into session (id, account_id, device_id, created_at, expires_at)
      select ${sessionId}, ${accountId}, id, ${now}, ${expiresAt} from device),
    issued as (
      insert into refresh_token (hash, session_id, issued_at) values (${hash}, ${sessionId}, ${now}))
    select id from replaced`
  const { rows } = await giveTarget(() => statement.execute(db))
  return { opened: { accountId, sessionId, refreshToken: token }, replaced: rows.map(({ id }) => id) }
}

function deviceStatement(accountId: string, device: DeviceInput, now: Date) {
  const { kind = null, value = null } = targetOf(device) ?? {}
  const installation = installationOf(device)
  const name = device.name ?? null
  return sql`
    held as (
      select id from device where installation_id = ${installation} or (target_kind = ${kind} and target = ${value})
      order by id for no key update),
    silenced as (
      update device set target = null, target_kind = null
      where id in (select id from held) and target is not null
        and ((installation_id = ${installation} and account_id <> ${accountId})
          or (target_kind = ${kind} and target = ${value}
            and not (account_id = ${accountId} and installation_id is not distinct from ${installation})))
      returning id),
    device as (
      insert into device (account_id, installation_id, name, platform, target_kind, target, target_renewed_at, last_seen_at)
      select ${accountId}, ${installation}, ${name}, ${device.platform}, ${kind}, ${value},
        case when ${value}::text is null then null else ${now}::timestamptz end, ${now}
      from (select count(*) from silenced) as after_silencing
      on conflict (account_id, installation_id) do update set
        name = excluded.name, platform = excluded.platform, last_seen_at = excluded.last_seen_at,
        target_kind = coalesce(excluded.target_kind, device.target_kind),
        target = coalesce(excluded.target, device.target),
        target_renewed_at = coalesce(excluded.target_renewed_at, device.target_renewed_at)
      returning id)`
}

/** A client that names no installation is known again by its target. */
function installationOf(device: DeviceInput): string | null {
  const target = targetOf(device)
  return device.id ?? (target === undefined ? null : `${target.kind}:${target.value}`)
}
