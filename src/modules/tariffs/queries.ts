import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { Meter } from '#src/modules/meters/linked-meters.ts'
import type { Phase, TariffClass } from './tariff.ts'

export interface TariffMeter extends Meter {
  readonly tariffClass: TariffClass | null
  readonly phase: Phase | null
}

/** For whoever the meter's policy has let in. */
export function tariffMeter(db: Db, meterId: string): Promise<TariffMeter | undefined> {
  return db
    .selectFrom('meter')
    .select(['id', 'kind', 'number', 'police', 'tariff_class as tariffClass', 'phase'])
    .where('id', '=', meterId)
    .executeTakeFirst()
}

/** What the meter bought from `from` to before `to`, reversals taken off. */
export function boughtBetween(
  db: Db,
  meterId: string,
  from: Day,
  to: Day,
): Promise<{ readonly energyWh: number; readonly amountXof: number }> {
  return db
    .selectFrom('consumption_entry')
    .select(sql<number>`(coalesce(sum(energy_kwh), 0) * 1000)::bigint`.as('energyWh'))
    .select(sql<number>`coalesce(sum(amount_xof), 0)::bigint`.as('amountXof'))
    .where('meter_id', '=', meterId)
    .where('day', '>=', sql<Day>`${from}::date`)
    .where('day', '<', sql<Day>`${to}::date`)
    .executeTakeFirstOrThrow()
}

/** SOLDE_DETTE of the last sale from `from` to before `to`, as delivered. Bounded on both sides to touch few partitions. */
export async function lastDebt(db: Db, meterId: string, from: Day, to: Day): Promise<string | undefined> {
  const row = await db
    .selectFrom('consumption_entry')
    .select(sql<string | null>`delivered ->> 'SOLDE_DETTE'`.as('debt'))
    .where('meter_id', '=', meterId)
    .where('day', '>=', sql<Day>`${from}::date`)
    .where('day', '<', sql<Day>`${to}::date`)
    .orderBy('day', 'desc')
    .orderBy('occurred_at', 'desc')
    .orderBy('source_key', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.debt ?? undefined
}
