import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '#src/database/database.ts'
import { messageIdOf } from '#src/modules/notifications/sending/push-message.ts'
import { PushCounts, type PushCountsView } from '#src/simulators/fcm/push-counts.ts'
import { randomFor } from '#src/simulators/sic/data/random.ts'
import { aStaffMember } from '#test/support/factories.ts'
import { until } from '#test/support/processes.ts'
import { type CrashSystem, crashSystem } from './crash-system.ts'
import type { MemberName } from './fleet.ts'
import { Load } from './load.ts'
import { isOften, WORKER_POINTS } from './points.ts'
import { isQuiet } from './reckoning.ts'
import { tokens } from './tokens.ts'

export interface LongReport {
  readonly promised: number
  /** Pushes that FCM has, each counted once. */
  readonly distinct: number
  readonly duplicated: number
  /** Deliveries of which the database says that they may have been sent twice. */
  readonly marked: number
  readonly seconds: number
  /** What should not be, in words. */
  readonly problems: readonly string[]
}

/** To everyone, each time. */
const AUDIENCE = 5_000
const INSERTED_AT_ONCE = 5_000
const MOST_DUPLICATED = 0.001
const QUIET_WITHIN_MS = 3_600_000
/** A kill is never later than this after the one before, however slow the machine is. */
const PROGRESS_WITHIN_MS = 600_000

/** So many pushes in large audiences, and so many kills -9 spread evenly over them. */
export async function longRun(
  pushes: number,
  kills: number,
  seed: number,
  say: (line: string) => void,
): Promise<LongReport> {
  await using crash = await crashSystem({ countsOnly: true })
  const { fleet, system } = crash
  const { db } = system.database
  const audience = Math.min(AUDIENCE, pushes)
  await manyPeople(db, audience)
  const token = tokens(fleet.urls, await aStaffMember(db, 'admin'))
  const notifications = Math.ceil(pushes / audience)
  const message = (number: number) => ({
    key: `long run ${seed} ${number}`,
    body: {
      title: 'Essai',
      body: `Tous ${number}`,
      priority: number % 2 === 0 ? 'low' : 'high',
      audience: { kind: 'all' },
    },
    people: [],
    sendAtMs: undefined,
    cancelAfterMs: undefined,
  })
  const load = new Load({ urls: fleet.urls, token, message, perSecond: 20, most: notifications })
  const startedAt = performance.now()
  await load.run()
  await killAlong(crash, { pushes: notifications * audience, kills, seed }, say)
  await until('everything accepted has ended', () => isQuiet(db), QUIET_WITHIN_MS)
  const seconds = (performance.now() - startedAt) / 1_000
  const expected = await expectedPushes(db, load)
  return { ...(await judge(db, expected, await countedPushes(crash))), seconds }
}

async function killAlong(
  crash: CrashSystem,
  { pushes, kills, seed }: { readonly pushes: number; readonly kills: number; readonly seed: number },
  say: (line: string) => void,
): Promise<void> {
  const random = randomFor(seed, 'long run')
  // The APIs have the least to lose.
  const victims: readonly MemberName[] = ['worker 1', 'worker 2', 'worker 1', 'worker 2', 'api 1', 'api 2']
  for (let kill = 1; kill <= kills; kill += 1) {
    const after = Math.floor((pushes * kill) / (kills + 1))
    await until(`${after} pushes`, async () => (await countedPushes(crash)).distinct >= after, PROGRESS_WITHIN_MS)
    await delay(random.between(0, 500))
    const whom = random.pick(victims)
    const at = whom.startsWith('worker')
      ? { point: random.pick(WORKER_POINTS.filter(isOften)), passing: random.between(1, 9) }
      : undefined
    const reached = await crash.fleet.kill(whom, at)
    say(`kill ${kill} of ${kills}: ${whom}${reached === undefined ? '' : ` at ${reached}`} after ${after} pushes`)
    await crash.fleet.restart(whom)
  }
}

async function manyPeople(db: Db, count: number): Promise<void> {
  for (let from = 0; from < count; from += INSERTED_AT_ONCE) {
    await sql`
      with person as (
        insert into account (role, phone, secret_hash)
        select 'customer', '+22176' || lpad(number::text, 7, '0'), 'none'
        from generate_series(${from}::integer, ${Math.min(count, from + INSERTED_AT_ONCE) - 1}::integer) as number
        returning id
      )
      insert into device (account_id, platform, target_kind, target)
      select id, 'android', 'token', 'device of ' || id from person`.execute(db)
  }
}

/** What FCM must have, counted as it counts. */
async function expectedPushes(db: Db, { accepted, refused }: Load): Promise<PushCountsView> {
  if (refused.length > 0) throw new Error(`refused: ${refused.join(', ')}`)
  const devices = await db.selectFrom('device').select(['id', 'target']).execute()
  const counts = new PushCounts()
  for (const { id } of accepted)
    for (const device of devices) counts.add(device.target ?? '', messageIdOf(id, device.id))
  return counts.view()
}

async function countedPushes({ system }: CrashSystem): Promise<PushCountsView> {
  return (await (await fetch(`${system.fcm.control.url}/pushes/count`)).json()) as PushCountsView
}

async function judge(db: Db, expected: PushCountsView, counted: PushCountsView): Promise<Omit<LongReport, 'seconds'>> {
  const { distinct } = counted
  const duplicated = distinct - (counted.by_times['1'] ?? 0)
  const row = await db
    .selectFrom('delivery')
    .select((eb) => eb.fn.countAll<number>().as('marked'))
    .where('maybe_duplicate', '=', true)
    .executeTakeFirstOrThrow()
  const problems = [
    ...(distinct === expected.distinct && counted.digest === expected.digest
      ? []
      : ['FCM has other pushes than were promised']),
    ...(duplicated <= expected.distinct * MOST_DUPLICATED ? [] : ['too many are duplicated']),
    ...(duplicated <= row.marked ? [] : ['duplicated without a mark']),
  ]
  return { promised: expected.distinct, distinct, duplicated, marked: row.marked, problems }
}
