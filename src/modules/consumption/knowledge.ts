import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import { type Meter, usersOfMeter } from '#src/modules/meters/linked-meters.ts'
import type { Cache } from '#src/ports/cache.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'
import { forgetUsers } from './answer-version.ts'
import { type Histories, openHistories } from './asked-histories.ts'
import { nothingKnown } from './errors.ts'
import { dueRead, FRESH_FOR_MS, type Freshness } from './freshness.ts'
import { KEPT_YEARS } from './kept-years.ts'
import { MeterReadings } from './meter-readings.ts'
import { type ReadingState, readingStates } from './queries.ts'

/** What is stored of the meters, and the way to bring it up to date. One per process: readings and looks are shared in it. */
export interface Knowledge extends Freshness {
  readonly db: Db
  readonly readings: MeterReadings
  readonly histories: Histories
  readonly now: Clock
}

export interface KnowledgeParts {
  readonly db: Db
  readonly cache: Cache
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  readonly clock: Clock
  readonly log: Logger
  /** How old what we know of a meter may be before its source is asked again. @default 15 minutes */
  readonly freshForMs?: number
  /** How many full years before this one are kept. @default 10 */
  readonly keptYears?: number
  /** How long a request waits for the sources before it answers with what is known. @default 5_000 */
  readonly patienceMs?: number
}

const PATIENCE_MS = 5_000

export function openKnowledge(parts: KnowledgeParts): Knowledge {
  const { db, cache, clock, patienceMs = PATIENCE_MS } = parts
  const freshness = { freshForMs: parts.freshForMs ?? FRESH_FOR_MS, keptYears: parts.keptYears ?? KEPT_YEARS }
  const onChange = async (meterId: string): Promise<void> => forgetUsers(cache, await usersOfMeter(db, meterId))
  const readings = new MeterReadings({ ...parts, ...freshness, patienceMs, onChange })
  return { db, readings, histories: openHistories(db), now: clock, ...freshness }
}

/** Whether the meter's source has to be asked before an answer about it is made. */
export function isDue(knowledge: Knowledge, state: ReadingState | undefined): boolean {
  return dueRead(state, knowledge.now(), knowledge) !== undefined
}

export interface Known {
  /** By meter id; a meter of which nothing is known is not in it. */
  readonly states: ReadonlyMap<string, ReadingState>
  /** The oldest of what is known; undefined when no meter was asked for. */
  readonly asOf: Date | undefined
  /** A source that should have been asked was not to be had. */
  readonly stale: boolean
}

/** Asks the sources for what is missing or old of these meters. Fails only when nothing is known of any of them. */
export async function broughtUpToDate(knowledge: Knowledge, meters: readonly Meter[]): Promise<Known> {
  const ids = meters.map((meter) => meter.id)
  const before = await readingStates(knowledge.db, ids)
  const due = meters.filter(({ id }) => isDue(knowledge, before.get(id)))
  const outcomes = [...(await knowledge.readings.read(due)).values()]
  const states = due.length === 0 ? before : await readingStates(knowledge.db, ids)
  if (ids.length > 0 && states.size === 0) throw nothingKnown()
  const readAt = [...states.values()].map((state) => state.readAt.getTime())
  const asOf = readAt.length === 0 ? undefined : new Date(Math.min(...readAt))
  return { states, asOf, stale: outcomes.includes('failed') }
}
