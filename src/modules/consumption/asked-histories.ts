import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import type { Db } from '#src/database/database.ts'
import type { LinkedMeter } from '#src/modules/meters/linked-meters.ts'
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
  const agencyId = scope.kind === 'all' ? null : scope.agencyId
  const isByMonth = isWholeMonths(question, grouping)
  const { rows } = await sql<KnownRow>`select * from consumption_known(
    ${userId}, ${agencyId}, ${isByMonth ? from : null}, ${to})`.execute(db)
  const histories = rows.map((row) => toHistory(row, isByMonth))
  return onlyAsked(histories, question.meterId, ({ meter }) => meter.id)
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

/** A row of the function `consumption_known`, which says what it finds. */
interface KnownRow extends LinkedMeter {
  readonly read_at: Date | null
  readonly whole_history_at: Date | null
  readonly has_months: boolean | null
  readonly months: readonly (readonly [day: Day, energyWh: number, amountXof: number])[] | null
}

function toHistory({ read_at, whole_history_at, has_months, months, ...meter }: KnownRow, isByMonth: boolean) {
  if (read_at === null || whole_history_at === null) return { meter, state: undefined, months: undefined }
  const hasMonths = has_months === true
  const state = { readAt: read_at, wholeHistoryAt: whole_history_at, hasMonths }
  if (!hasMonths || !isByMonth) return { meter, state, months: undefined }
  const amounts = (months ?? []).map(([day, energyWh, amountXof]) => ({ day, energyWh, amountXof }))
  return { meter, state, months: amounts }
}
