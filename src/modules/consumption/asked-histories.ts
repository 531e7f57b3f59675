import { sql } from 'kysely'
import type { Day } from '#src/core/calendar.ts'
import { together } from '#src/core/together.ts'
import type { Db } from '#src/database/database.ts'
import type { LinkedMeter, MeterScope } from '#src/modules/meters/linked-meters.ts'
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

/** The meters that are asked about with what is stored of them, as of one moment. */
export type Histories = (question: Question) => Promise<MeterHistory[]>

/** As many as PostgreSQL has cores for one of several processes; the others wait less for a connection. */
const STATEMENTS_AT_A_TIME = 4
/** Not all that wait, so that we make some answers while PostgreSQL reads for others. */
const QUESTIONS_IN_ONE = 16

/**
 * Questions about the same range that come while others are under way go together in one statement: most of what such
 * a read costs, to us and to PostgreSQL, is the way there and back.
 */
export function openHistories(db: Db): Histories {
  const rowsOf = together<Question, readonly KnownRow[]>({
    ask: (questions) => askTogether(db, questions),
    keyOf: ({ scope, from, to, grouping }) => `${agencyOf(scope) ?? ''} ${from} ${to} ${grouping}`,
    atATime: STATEMENTS_AT_A_TIME,
    most: QUESTIONS_IN_ONE,
  })
  return async (question) => {
    const isByMonth = isWholeMonths(question, question.grouping)
    const histories = (await rowsOf(question)).map((row) => toHistory(row, isByMonth))
    return onlyAsked(histories, question.meterId, ({ meter }) => meter.id)
  }
}

/** Of questions that differ in their user, or in the meter of that user, alone. */
async function askTogether(db: Db, questions: readonly Question[]): Promise<KnownRow[][]> {
  const [{ scope, from, to, grouping }] = questions as [Question]
  const byUser = new Map<string, KnownRow[]>(questions.map(({ userId }) => [userId, []]))
  const { rows } = await sql<KnownRow & { readonly account_id: string }>`select * from consumption_known(
    ${[...byUser.keys()]}, ${agencyOf(scope)}, ${isWholeMonths({ from, to }, grouping) ? from : null}, ${to})`.execute(
    db,
  )
  for (const { account_id, ...row } of rows) byUser.get(account_id)?.push(row)
  return questions.map(({ userId }) => byUser.get(userId) ?? [])
}

const agencyOf = (scope: MeterScope): string | null => (scope.kind === 'all' ? null : scope.agencyId)

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
