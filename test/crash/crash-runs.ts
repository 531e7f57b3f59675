import { aStaffMember } from '#test/support/factories.ts'
import { until } from '#test/support/processes.ts'
import type { CrashSystem } from './crash-system.ts'
import { Breaker, type PlannedFault } from './faults.ts'
import { Load } from './load.ts'
import { messageOf } from './messages.ts'
import { anAgencyOf, somePeople } from './people.ts'
import { Receipts } from './receipts.ts'
import { isQuiet, reckon, type Reckoning } from './reckoning.ts'
import { tokens } from './tokens.ts'
import { pushesUnderWay } from './under-way.ts'

export interface CrashOptions {
  /** One after the other, under load. */
  readonly faults: readonly PlannedFault[]
  /** Draws the messages. */
  readonly seed: number
  /** Notifications. */
  readonly perSecond: number
  /** Told of each fault when it is over. */
  readonly onFault?: (run: number, words: string) => void
}

export interface CrashReport extends Reckoning {
  /** Pushes that were under way at the faults: what may be duplicated, at most. */
  readonly underWay: number
  /** Requests that were not answered, and sent again. */
  readonly repeats: number
}

const PEOPLE = 400
/** Every so manyth of them is a customer of the agency. */
const AGENCY_STEP = 7
/** A push whose sender died waits for the end of its lease; one over its quota for a minute and more. */
const QUIET_WITHIN_MS = 300_000

/** Load without a pause, and under it one fault after the other; then what was promised is held against what came of it. */
export async function crashRuns(crash: CrashSystem, options: CrashOptions): Promise<CrashReport> {
  const { fleet, system } = crash
  const { db } = system.database
  const { faults, seed, perSecond, onFault } = options
  const people = await somePeople(db, PEOPLE)
  const population = { people, agency: await anAgencyOf(db, people, AGENCY_STEP) }
  const receipts = new Receipts(system.fcm.control.received)
  const breaker = new Breaker(crash, receipts)
  const token = tokens(fleet.urls, await aStaffMember(db, 'admin'))
  const message = (number: number) => messageOf(population, seed, number)
  const load = new Load({ urls: fleet.urls, token, message, perSecond })
  const underWay = new Set<string>()
  const brokenAtMs: number[] = []
  const broken = async (): Promise<void> => {
    brokenAtMs.push(Date.now())
    for (const key of await pushesUnderWay(db)) underWay.add(key)
  }
  const loaded = load.run()
  try {
    for (const [index, fault] of faults.entries()) onFault?.(index + 1, await breaker.cause(fault, broken))
  } finally {
    load.stop()
    await loaded
  }
  // What is still open then is a finding, and told with the rest.
  await until('everything accepted has ended', () => isQuiet(db), QUIET_WITHIN_MS).catch(() => undefined)
  receipts.close()
  const { accepted, refused, repeats } = load
  const evidence = { accepted, refused, people, receipts: receipts.byPush, underWay, brokenAtMs }
  return { ...(await reckon(db, evidence)), underWay: underWay.size, repeats }
}
