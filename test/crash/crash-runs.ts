import { randomFor } from '#src/simulators/sic/data/random.ts'
import { aStaffMember } from '#test/support/factories.ts'
import { until } from '#test/support/processes.ts'
import type { RealSystem } from '#test/support/real-system.ts'
import { Fleet } from './fleet.ts'
import { Load } from './load.ts'
import { somePeople } from './people.ts'
import { isQuiet, reckon, type Reckoning } from './reckoning.ts'

export interface CrashOptions {
  /** One kill each. */
  readonly runs: number
  /** The same victims and messages for the same seed; the moments are the machine's too. */
  readonly seed: number
  /** Notifications. @default 20 */
  readonly perSecond?: number
  /** With one device each. @default 200 */
  readonly people?: number
  /** Told of each kill. */
  readonly onKill?: (run: number, name: string) => void
}

export interface CrashReport extends Reckoning {
  readonly kills: ReadonlyMap<string, number>
  /** Requests that were not answered, and sent again. */
  readonly repeats: number
}

/** A kill comes so long after the last one is over, at most. */
const KILL_WITHIN_MS = 1_500
/** As slow as Google's at its busiest, so that pushes are under way whenever a kill comes. */
const PUSH_MS = 150
/** A push whose sender died waits for the end of its lease, and perhaps behind another such. */
const QUIET_WITHIN_MS = 180_000
const TOKEN_FOR_MS = 5 * 60_000

/** Load without a pause, and under it one kill -9 after the other; then what was promised is held against what came of it. */
export async function crashRuns(system: RealSystem, options: CrashOptions): Promise<CrashReport> {
  const { runs, seed, perSecond = 20, people: count = 200 } = options
  const { db } = system.database
  system.fcm.control.rules.add({ match: {}, action: { delay_ms: PUSH_MS } })
  const people = await somePeople(db, count)
  const fleet = await Fleet.start(system)
  const token = tokens(fleet.urls, await aStaffMember(db, 'service'))
  const load = new Load({ people, urls: fleet.urls, token, random: randomFor(seed, 'load'), perSecond })
  const loaded = load.run()
  try {
    const random = randomFor(seed, 'kills')
    for (let run = 1; run <= runs; run += 1) {
      options.onKill?.(run, await fleet.killOne(random, KILL_WITHIN_MS))
    }
  } finally {
    load.stop()
    await loaded
  }
  // What is still open then is a finding, and told with the rest.
  await until('everything accepted has ended', () => isQuiet(db), QUIET_WITHIN_MS).catch(() => undefined)
  const received = system.fcm.control.received.list({ limit: Number.POSITIVE_INFINITY })
  return { ...(await reckon(db, load, received)), kills: fleet.kills, repeats: load.repeats }
}

/** Logs in again before the token ends, at whichever API answers. */
function tokens(urls: readonly string[], { login, password }: { login: string; password: string }) {
  let [current, logInAt] = [undefined as Promise<string> | undefined, 0]
  const logIn = async (url: string): Promise<string> => {
    const body = JSON.stringify({ login, password })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/login`, { method: 'POST', headers, body })
    if (response.status !== 200) throw new Error(`login refused: ${response.status}`)
    return ((await response.json()) as { access_token: string }).access_token
  }
  return (): Promise<string> => {
    if (current !== undefined && performance.now() < logInAt) return current
    logInAt = performance.now() + TOKEN_FOR_MS
    current = Promise.any(urls.map(logIn))
    current.catch(() => (logInAt = 0))
    return current
  }
}
