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

/** Finds or makes the account's device for this installation, and gives it the target it came with. */
export async function recordDevice(tx: Tx, accountId: string, input: DeviceInput, now: Date): Promise<string> {
  const target = targetOf(input)
  if (input.id !== undefined) await silenceOthersOn(tx, accountId, input.id)
  const known = { name: input.name ?? null, platform: input.platform, last_seen_at: now }
  const existing = await findDevice(tx, accountId, input.id, target)
  const deviceId =
    existing ??
    (
      await tx
        .insertInto('device')
        .values({ account_id: accountId, installation_id: input.id ?? null, ...known })
        .onConflict((conflict) => conflict.columns(['account_id', 'installation_id']).doUpdateSet(known))
        .returning('id')
        .executeTakeFirstOrThrow()
    ).id
  if (existing !== undefined) await tx.updateTable('device').set(known).where('id', '=', existing).execute()
  if (target !== undefined) await setTarget(tx, deviceId, target, now)
  return deviceId
}

/** By its installation; a client that names none is known again by its target. */
async function findDevice(tx: Tx, accountId: string, installationId: string | undefined, target: Target | undefined) {
  const query = tx.selectFrom('device').select('id').where('account_id', '=', accountId)
  if (installationId !== undefined) {
    return (await query.where('installation_id', '=', installationId).executeTakeFirst())?.id
  }
  if (target === undefined) return undefined
  return (await query.where('target_kind', '=', target.kind).where('target', '=', target.value).executeTakeFirst())?.id
}

/** A telephone that changes hands must not show its new user what is sent to the one before. */
async function silenceOthersOn(tx: Tx, accountId: string, installationId: string): Promise<void> {
  await tx
    .updateTable('device')
    .set({ target: null, target_kind: null })
    .where('installation_id', '=', installationId)
    .where('account_id', '<>', accountId)
    .where('target', 'is not', null)
    .execute()
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
    .set({ target: target.value, target_kind: target.kind, target_renewed_at: now })
    .where('id', '=', deviceId)
    .execute()
}

export async function clearTarget(tx: Tx, deviceId: string): Promise<void> {
  await tx.updateTable('device').set({ target: null, target_kind: null }).where('id', '=', deviceId).execute()
}
