import type { Db } from '#src/database/database.ts'
import { notificationStatus } from '#src/modules/notifications/status.ts'
import type { Accepted } from './load.ts'
import type { Person } from './people.ts'
import { hasTaken, pushKey, type Receipt } from './receipts.ts'

/** What was promised, beside what FCM received and what the database says. */
export interface Reckoning {
  /** Notifications answered with 202, and the pushes that they promise. */
  readonly accepted: number
  readonly promised: number
  /** Pushes that FCM has, each counted once. */
  readonly sent: number
  /** Promised, and FCM never had them. */
  readonly lost: readonly string[]
  /** Pushes that FCM has more than once. */
  readonly duplicated: number
  /** Of these, those of which nobody can say why: not noted as such, or not under way when something broke. */
  readonly unexplained: readonly string[]
  /** Anything else that should not be, in words. */
  readonly unexpected: readonly string[]
}

export interface Evidence {
  readonly accepted: readonly Accepted[]
  /** What no sender should have been answered. */
  readonly refused: readonly string[]
  readonly people: readonly Person[]
  readonly receipts: ReadonlyMap<string, readonly Receipt[]>
  /** Pushes that were under way when something broke. */
  readonly underWay: ReadonlySet<string>
  /** When that was. */
  readonly brokenAtMs: readonly number[]
}

const LEAST_WAIT_MS = 10_000
const QUOTA_WAIT_MS = 60_000
/** Answers after which the same push may leave again at once: it was not looked at. */
const NOT_PROCESSED = new Set(['refuse', 'goaway'])
/** The outcome is unknown to the sender, whoever lives. */
const UNKNOWN = new Set(['half_answer', 'reset', 'hang', 'goaway'])
const CANCEL_WITHIN_MS = 2_000
/** An answer is in the database, and acted on, so soon. */
const HEARD_WITHIN_MS = 15_000
const STATUSES_AT_ONCE = 4

export async function reckon(db: Db, evidence: Evidence): Promise<Reckoning> {
  const { accepted, receipts, refused } = evidence
  const rows = await deliveriesOf(db, evidence.people)
  const promised = promisedBy(accepted)
  const dead = deadSince(receipts)
  const taken = [...receipts].filter(([, all]) => all.some(hasTaken)).map(([key]) => key)
  const twice = [...receipts].filter(([, all]) => all.filter(hasTaken).length > 1).map(([key]) => key)
  const has = new Set(taken)
  return {
    accepted: accepted.length,
    promised: promised.size,
    sent: taken.length,
    lost: [...promised].filter(([key, push]) => !has.has(key) && !isExcused(push, dead)).map(([key]) => key),
    duplicated: twice.length,
    unexplained: twice.filter((key) => !isExplained(key, evidence, rows)).map((key) => storyOf(key, evidence, rows)),
    unexpected: [
      ...refused,
      ...[...receipts.keys()].filter((key) => !promised.has(key)).map((key) => `pushed, but never accepted: ${key}`),
      ...[...promised].flatMap(([key, push]) => wrongTimes(key, push, evidence)),
      ...wrongEnds(promised, rows, dead),
      ...(await wrongTargets(db, evidence, dead)),
      ...(await wrongNotifications(db, accepted, has, rows, dead)),
    ],
  }
}

/** Everything promised has ended, one way or another. */
export async function isQuiet(db: Db): Promise<boolean> {
  const open = await db
    .selectFrom('notification')
    .select('id')
    .where('state', 'in', ['queued', 'sending'])
    .limit(1)
    .execute()
  return open.length === 0
}

interface Promised {
  readonly notification: Accepted
  readonly person: Person
}

function promisedBy(accepted: readonly Accepted[]): Map<string, Promised> {
  return new Map(
    accepted.flatMap((notification) =>
      notification.people.map((person) => [pushKey(notification.id, person.target), { notification, person }]),
    ),
  )
}

/** Since when FCM says of a target that it is not registered. */
function deadSince(receipts: Evidence['receipts']): Map<string, number> {
  const dead = new Map<string, number>()
  for (const [key, all] of receipts) {
    const first = all.find(({ outcome }) => outcome === 'UNREGISTERED')
    const target = key.split(' ')[1] ?? ''
    if (first !== undefined) dead.set(target, Math.min(first.atMs, dead.get(target) ?? Number.POSITIVE_INFINITY))
  }
  return dead
}

function isExcused({ notification, person }: Promised, dead: ReadonlyMap<string, number>): boolean {
  return notification.cancelledAtMs !== undefined || dead.has(person.target)
}

function isExplained(key: string, { receipts, underWay }: Evidence, rows: Rows): boolean {
  if (rows.get(key)?.maybeDuplicate !== true) return false
  return underWay.has(key) || (receipts.get(key) ?? []).some(({ outcome }) => UNKNOWN.has(outcome))
}

/** All that is known of one push. */
function storyOf(key: string, { receipts, underWay }: Evidence, rows: Rows): string {
  const times = (receipts.get(key) ?? []).map(({ atMs, outcome }) => `${new Date(atMs).toISOString()} ${outcome}`)
  const row = rows.get(key)
  const said = row === undefined ? 'no row' : `${row.state}, ${row.maybeDuplicate ? 'noted' : 'not noted'}`
  return `${key}: ${times.join(', ')}; ${said}; ${underWay.has(key) ? '' : 'not '}under way at a fault`
}

/** Sent before its time, after it was cancelled, or again too early. */
function wrongTimes(key: string, { notification }: Promised, { receipts, underWay }: Evidence): string[] {
  const all = receipts.get(key) ?? []
  const { sendAtMs = 0, cancelledAtMs = Number.POSITIVE_INFINITY } = notification
  const wrong: string[] = []
  for (const [index, { atMs }] of all.entries()) {
    if (atMs < sendAtMs) wrong.push(`${sendAtMs - atMs} ms before its send_at: ${key}`)
    if (atMs > cancelledAtMs + CANCEL_WITHIN_MS) wrong.push(`${atMs - cancelledAtMs} ms after its cancel: ${key}`)
    const before = all[index - 1]
    const waitedMs = before === undefined ? Number.POSITIVE_INFINITY : atMs - before.atMs
    // An answer that died with its sender binds nobody.
    if (before !== undefined && waitedMs < leastWaitMs(before) && !underWay.has(key)) {
      wrong.push(`again ${waitedMs} ms after ${before.outcome}: ${key}`)
    }
  }
  return wrong
}

function leastWaitMs({ outcome, retryAfterMs }: Receipt): number {
  if (outcome === 'sent' || NOT_PROCESSED.has(outcome)) return 0
  return Math.max(outcome === 'QUOTA_EXCEEDED' ? QUOTA_WAIT_MS : LEAST_WAIT_MS, retryAfterMs)
}

/** Rows that say something else than what happened. Without a row it was counted, which the counts are checked for. */
function wrongEnds(promised: ReadonlyMap<string, Promised>, rows: Rows, dead: ReadonlyMap<string, number>): string[] {
  return [...rows].flatMap(([key, { state }]) => {
    const push = promised.get(key)
    if (state === 'sent' || (push !== undefined && isExcused(push, dead))) return []
    return [`${state} in the database: ${key}`]
  })
}

/** Targets are taken out of use when FCM says so, and never else. */
async function wrongTargets(db: Db, evidence: Evidence, dead: ReadonlyMap<string, number>): Promise<string[]> {
  const { people, brokenAtMs } = evidence
  // Who heard it may have died with that: the next push will tell again.
  const mayBeUnheard = (saidAtMs: number): boolean =>
    brokenAtMs.some((atMs) => atMs > saidAtMs && atMs < saidAtMs + HEARD_WITHIN_MS)
  const devices = await db.selectFrom('device').select(['id', 'target']).execute()
  const targets = new Map(devices.map(({ id, target }) => [id, target]))
  return people.flatMap(({ deviceId, target }) => {
    const isCleared = targets.get(deviceId) !== target
    const saidAtMs = dead.get(target)
    if (isCleared === (saidAtMs !== undefined)) return []
    if (saidAtMs !== undefined && mayBeUnheard(saidAtMs)) return []
    return [isCleared ? `a living target is gone: ${target}` : `a dead target is still there: ${target}`]
  })
}

/** Not ended, or with counts that are not true. */
async function wrongNotifications(
  db: Db,
  accepted: readonly Accepted[],
  has: ReadonlySet<string>,
  rows: Rows,
  dead: ReadonlyMap<string, number>,
): Promise<string[]> {
  const wrong = (await notEnded(db)).map(({ id, state }) => `${state} in the end: ${id}`)
  const left = [...accepted]
  const look = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      const status = await notificationStatus(db, one.id, new Date())
      const keys = one.people.map(({ target }) => pushKey(one.id, target))
      const taken = keys.filter((key) => has.has(key)).length
      // FCM has them, and nobody heard so before it was cancelled or given up.
      const unheard = keys.filter(
        (key) => has.has(key) && rows.get(key)?.state !== undefined && rows.get(key)?.state !== 'sent',
      )
      const counted = status?.counts.sent ?? 0
      const isCancelled = status?.state === 'cancelled'
      const isTooFew = !isCancelled && counted < taken - unheard.length
      if (counted > taken || (isTooFew && counted < taken - unheard.length - (await gone(db, one, has, rows, dead)))) {
        wrong.push(`${counted} counted as sent, FCM has ${taken}: ${one.id}`)
      }
    }
  }
  await Promise.all(Array.from({ length: STATUSES_AT_ONCE }, look))
  return wrong
}

/**
 * Devices that FCM has it for, of a chunk whose sender died: where another message found the target dead meanwhile, the
 * next sender did not see the device at all, and nobody can know.
 */
async function gone(
  db: Db,
  { id, people }: Accepted,
  has: ReadonlySet<string>,
  rows: Rows,
  dead: ReadonlyMap<string, number>,
): Promise<number> {
  const takenOver = await db
    .selectFrom('notification_chunk')
    .select('number')
    .where('notification_id', '=', id)
    .where('lease', '>', 1)
    .executeTakeFirst()
  if (takenOver === undefined) return 0
  const keys = people.filter(({ target }) => dead.has(target)).map(({ target }) => pushKey(id, target))
  return keys.filter((key) => has.has(key) && !rows.has(key)).length
}

function notEnded(db: Db) {
  return db.selectFrom('notification').select(['id', 'state']).where('state', 'not in', ['done', 'cancelled']).execute()
}

interface Row {
  readonly state: string
  readonly maybeDuplicate: boolean
}
type Rows = ReadonlyMap<string, Row>

async function deliveriesOf(db: Db, people: readonly Person[]): Promise<Rows> {
  const targets = new Map(people.map(({ deviceId, target }) => [deviceId, target]))
  const rows = await db
    .selectFrom('delivery')
    .select(['notification_id', 'device_id', 'state', 'maybe_duplicate'])
    .execute()
  return new Map(
    rows.map(({ notification_id, device_id, state, maybe_duplicate }) => [
      pushKey(notification_id, targets.get(device_id) ?? ''),
      { state, maybeDuplicate: maybe_duplicate },
    ]),
  )
}
