import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import { compiledOnce } from '#src/database/compiled-once.ts'
import type { Db } from '#src/database/database.ts'
import { type LinkedMeter, selectLinkedMeters } from '#src/modules/meters/linked-meters.ts'
import type { DatedAmount } from './aggregate.ts'
import { type AskedMeters, onlyAsked } from './asked-meters.ts'
import { isWholeMonths } from './month-sums.ts'
import type { Grouping } from './periods.ts'
import { entriesByMeter, type ReadingState } from './queries.ts'
import type { DayRange } from './range.ts'

/** What is stored of a meter. */
export interface MeterHistory {
  readonly meter: LinkedMeter
  /** Undefined for a meter that was never read. */
  readonly state: ReadingState | undefined
  /** Its months inside the range, in order; undefined where they are not summed or the periods need finer parts. */
  readonly months: readonly DatedAmount[] | undefined
}

type Question = AskedMeters & DayRange & { readonly grouping: Grouping }

/** The meters that are asked about with what is stored of them, in one statement, so as of one moment. */
export async function historiesAsked(db: Db, question: Question): Promise<MeterHistory[]> {
  const { userId, scope, from, to, grouping } = question
  const isByMonth = isWholeMonths(question, grouping)
  const asked = { userId, from, to }
  const rows =
    scope.kind === 'all'
      ? await (isByMonth ? allByMonth : all)(db, asked)
      : await (isByMonth ? ofAgencyByMonth : ofAgency)(db, { ...asked, agencyId: scope.agencyId })
  return onlyAsked(rows.map(toHistory), question.meterId, ({ meter }) => meter.id)
}

/** By meter id, in the finest parts that the grouping needs, by day; of the meters that were read. */
export async function amountsOf(
  db: Db,
  histories: readonly MeterHistory[],
  range: DayRange,
): Promise<Map<string, readonly DatedAmount[]>> {
  const others = histories.filter(({ state, months }) => state !== undefined && months === undefined)
  const amounts = new Map<string, readonly DatedAmount[]>()
  for (const { meter, months } of histories) if (months !== undefined) amounts.set(meter.id, months)
  const ids = others.map(({ meter }) => meter.id)
  for (const [id, entries] of await entriesByMeter(db, ids, range)) amounts.set(id, entries)
  return amounts
}

interface Asked extends Readonly<Record<string, string>>, DayRange {
  readonly userId: string
}
interface AskedOfAgency extends Asked {
  readonly agencyId: string
}
type Month = readonly [day: Day, energyWh: number, amountXof: number]

function monthsInside({ from, to }: Asked) {
  return sql<Month[] | null>`(
    select json_agg(json_build_array(month, (energy_kwh * 1000)::bigint, amount_xof) order by month)
    from consumption_month
    where meter_id = meter.id and state.has_months and month >= ${from}::date and month < ${to}::date)`
}

function withStates(linked: ReturnType<typeof selectLinkedMeters>) {
  return linked
    .leftJoin('meter_reading_state as state', 'state.meter_id', 'meter.id')
    .select(['state.read_at', 'state.whole_history_at', 'state.has_months'])
}

const all = compiledOnce((db, { userId }: Asked) => withStates(selectLinkedMeters(db, userId, { kind: 'all' })))
const allByMonth = compiledOnce((db, asked: Asked) =>
  withStates(selectLinkedMeters(db, asked.userId, { kind: 'all' })).select(monthsInside(asked).as('months')),
)
const ofAgency = compiledOnce((db, { userId, agencyId }: AskedOfAgency) =>
  withStates(selectLinkedMeters(db, userId, { kind: 'agency', agencyId })),
)
const ofAgencyByMonth = compiledOnce((db, asked: AskedOfAgency) =>
  withStates(selectLinkedMeters(db, asked.userId, { kind: 'agency', agencyId: asked.agencyId })).select(
    monthsInside(asked).as('months'),
  ),
)

type Row = Awaited<ReturnType<typeof all>>[number] & { readonly months?: readonly Month[] | null }

function toHistory({ read_at, whole_history_at, has_months, months, ...meter }: Row): MeterHistory {
  if (read_at === null || whole_history_at === null) return { meter, state: undefined, months: undefined }
  const hasMonths = has_months === true
  const state = { readAt: read_at, wholeHistoryAt: whole_history_at, hasMonths }
  if (!hasMonths || months === undefined) return { meter, state, months: undefined }
  const amounts = (months ?? []).map(([day, energyWh, amountXof]) => ({ day, energyWh, amountXof }))
  return { meter, state, months: amounts }
}
