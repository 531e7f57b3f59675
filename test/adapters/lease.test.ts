import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers, type Timers } from '#src/core/timers.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { Lease } from '#src/database/lease.ts'
import { testDatabase, type TestDatabase } from '#test/support/database.ts'
import { until } from '#test/support/processes.ts'

let fresh: TestDatabase
let database: Database
before(async () => {
  fresh = await testDatabase()
  database = openDatabase({ url: fresh.url, log: createLogger('silent') })
})
after(async () => {
  await database.close()
  await fresh.close()
})

const MINUTE = 60_000

function lease(name: string, changed: { ttlMs?: number; timers?: Timers } = {}): Lease {
  return new Lease({ db: database.db, name, timers: systemTimers, ttlMs: MINUTE, ...changed })
}

test('of many that ask at the same time one works, and the next one can once it has ended', async () => {
  const ended = Promise.withResolvers<void>()
  const all = Array.from({ length: 20 }, () => lease('many'))
  let worked = 0
  const turns = all.map((one) =>
    one.run(() => {
      worked += 1
      return ended.promise
    }),
  )
  // All but the one that works have been told.
  const told: boolean[] = []
  for (const turn of turns) void turn.then((did) => told.push(did))
  await until('the others are told', () => told.length === all.length - 1)
  assert.deepEqual(new Set(told), new Set([false]))
  ended.resolve()
  await Promise.all(turns)
  assert.equal(worked, 1)
  assert.equal(await lease('many').run(async () => undefined), true)
})

test('work that fails gives the lease back', async () => {
  await assert.rejects(
    lease('failing').run(() => Promise.reject(new Error('the work'))),
    /the work/,
  )
  assert.equal(await lease('failing').run(async () => undefined), true)
})

test('a holder that works for longer than the lease keeps it by renewing it', async () => {
  // Its time to renew comes at once, however busy the machine is; that it would come in time is how long it waits for it.
  const waits: number[] = []
  const hurried: Timers = {
    now: systemTimers.now,
    after: (delayMs, wake) => (waits.push(delayMs), systemTimers.after(1, wake)),
  }
  const heldUntil = async (): Promise<number> => {
    const row = await database.db
      .selectFrom('lease')
      .select('until')
      .where('name', '=', 'long')
      .executeTakeFirstOrThrow()
    return row.until.getTime()
  }
  await lease('long', { timers: hurried }).run(async (lost) => {
    for (let renewal = 0; renewal < 3; renewal += 1) {
      const known = await heldUntil()
      await until('it is renewed', async () => (await heldUntil()) > known)
    }
    assert.equal(await lease('long').run(async () => undefined), false)
    assert.equal(lost.aborted, false)
  })
  assert.ok(waits.every((waitMs) => waitMs <= MINUTE / 3))
})

test('what a dead process held is taken over when it has run out, and one that was only asleep is told', async () => {
  const asleep: (() => void)[] = []
  // As a process that is stopped: none of its timers comes.
  const stopped: Timers = { now: systemTimers.now, after: (_delayMs, wake) => (asleep.push(wake), () => undefined) }
  const told = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const sleeper = lease('dead', { timers: stopped }).run((lost) => {
    lost.addEventListener('abort', () => told.resolve())
    held.resolve()
    return told.promise
  })
  await held.promise
  const heir = lease('dead')
  assert.equal(await heir.run(async () => undefined), false)
  // A minute passes for the database.
  const over = sql<Date>`until - interval '1 minute 1 ms'`
  await database.db.updateTable('lease').set({ until: over }).where('name', '=', 'dead').execute()
  const taken = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const inherited = heir.run(() => (taken.resolve(), ended.promise))
  await taken.promise
  for (const wake of asleep) wake()
  await sleeper
  // Giving back takes nothing from the heir.
  assert.equal(await lease('dead').run(async () => undefined), false)
  ended.resolve()
  assert.equal(await inherited, true)
})

test('whoever cannot reach the database any more is told that the lease is lost', async () => {
  const own = openDatabase({ url: fresh.url, log: createLogger('silent') })
  const told = Promise.withResolvers<void>()
  await new Lease({ db: own.db, name: 'cut', timers: systemTimers, ttlMs: 800 }).run(async (lost) => {
    lost.addEventListener('abort', () => told.resolve())
    await own.close()
    await told.promise
  })
})
