import { randomUUID } from 'node:crypto'
import type { Db } from '#src/database/database.ts'

/** As the app names itself at login. */
export interface BenchDevice {
  readonly id: string
  readonly platform: 'android'
  readonly push_token: string
}

export type Person = ReturnType<typeof personAt>

/** A customer who owns a prepaid meter and has a phone that pushes reach. */
export function personAt(place: number) {
  const id = randomUUID()
  return {
    id,
    phone: `+22176${String(place).padStart(7, '0')}`,
    meter: { id: randomUUID(), number: String(37_000_000_000 + place), police: String(500_000_000 + place) },
    device: { id: `installation-${id}`, platform: 'android', push_token: `bench-${id}` } satisfies BenchDevice,
  }
}

/** All with one PIN. */
export async function insertPeople(db: Db, people: readonly Person[], pinHash: string): Promise<void> {
  await db
    .insertInto('account')
    .values(
      people.map(({ id, phone }) => ({
        id,
        phone,
        role: 'customer' as const,
        secret_hash: pinHash,
        first_name: 'Awa',
      })),
    )
    .execute()
  await db
    .insertInto('device')
    .values(
      people.map(({ id, device }) => ({
        account_id: id,
        installation_id: device.id,
        platform: device.platform,
        target_kind: 'token' as const,
        target: device.push_token,
        target_renewed_at: new Date(),
      })),
    )
    .execute()
  await db
    .insertInto('meter')
    .values(
      people.map(({ meter }) => ({
        ...meter,
        kind: 'prepaid' as const,
        tariff_class: 'DPP' as const,
        phase: 'single' as const,
      })),
    )
    .execute()
  await db
    .insertInto('meter_link')
    .values(
      people.map(({ id, meter }) => ({
        account_id: id,
        meter_id: meter.id,
        role: 'owner' as const,
        state: 'accepted' as const,
      })),
    )
    .execute()
}
