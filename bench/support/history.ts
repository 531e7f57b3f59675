import { type Kysely, sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { monthAt, monthIndex } from '#src/simulators/sic/data/demand.ts'
import { salesOfMonth } from '#src/simulators/sic/data/demo-sales.ts'
import { insertRows, rowOf } from '#src/simulators/sic/data/insert-rows.ts'
import { findSourceTable } from '#src/simulators/sic/data/tables.ts'

export interface BenchMeter {
  readonly id: string
  readonly number: string
  readonly police: string
}

const HISTORY_MONTHS = 36
const SALES = findSourceTable('HEXING_SENELECBILL_ALHDL2')!
const SALES_TABLE = sql.id(SALES.database, SALES.name)
/** A first-time buyer of the demo world's kind; what was bought does not matter here, how many times does. */
const SUPPLY = {
  ownerPhone: '',
  agencyCode: '',
  address: '',
  tariffClass: 'DPP',
  phase: 'single',
  customerNumber: '',
} as const

/** Three years of sales in SIC: made for the first meter, and the same again for the others. */
export async function fillSource(sources: Kysely<unknown>, [first, ...others]: readonly BenchMeter[]): Promise<void> {
  const current = monthIndex(new Date())
  const months = Array.from({ length: HISTORY_MONTHS }, (_, back) => monthAt(current - 1 - back))
  const sales = months.flatMap((month) => salesOfMonth('bench', { kind: 'prepaid', ...SUPPLY, ...first! }, '', month))
  await insertRows(
    sources,
    SALES,
    sales.map((sale) => rowOf(SALES, sale)),
  )
  const names = SALES.columns.map(({ name }) => name)
  const values = names.map((name) => {
    if (name === 'NUMERO_COMPTEUR') return sql.ref('other.number')
    return name === 'POLICE' ? sql.ref('other.police') : sql.ref(`sale.${name}`)
  })
  await sql`insert into ${SALES_TABLE} (${sql.join(names.map((name) => sql.id(name)))})
    select ${sql.join(values)} from ${SALES_TABLE} sale, ${metersFrom(others)}
    where sale."NUMERO_COMPTEUR" = ${first!.number}`.execute(sources)
}

/**
 * What the product has read of `from` becomes what it has read of the others, at times spread over the last quarter of
 * an hour: as after hours of use, a few meters fall due every second.
 */
export async function copyReadings(db: Db, from: BenchMeter, others: readonly BenchMeter[]): Promise<void> {
  await sql`insert into consumption_entry
      (meter_id, day, source_key, occurred_at, energy_kwh, amount_xof, delivered, fetched_at)
    select other.id::uuid, day, source_key, occurred_at, energy_kwh, amount_xof,
      delivered || jsonb_build_object('NUMERO_COMPTEUR', other.number, 'POLICE', other.police), fetched_at
    from consumption_entry entry, ${metersFrom(others)}
    where entry.meter_id = ${from.id}`.execute(db)
  await sql`insert into meter_reading_state (meter_id, read_at, whole_history_at)
    select other.id::uuid, read_at - age, whole_history_at - age
    from meter_reading_state, (select *, random() * interval '15 minutes' as age from ${metersFrom(others)}) other
    where meter_id = ${from.id}`.execute(db)
  await sql`analyze consumption_entry, meter_reading_state, meter_link, meter, account, device`.execute(db)
}

function metersFrom(meters: readonly BenchMeter[]) {
  const column = (name: keyof BenchMeter) => sql`${sql.val(meters.map((meter) => meter[name]))}::text[]`
  return sql`unnest(${column('id')}, ${column('number')}, ${column('police')}) as other(id, number, police)`
}
