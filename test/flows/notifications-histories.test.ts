import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PublishedTask } from '#src/modules/outbox/publisher.ts'
import type { Push, PushOutcome } from '#src/ports/push-gateway.ts'
import { deliveriesOf } from '#test/support/notification-outcomes.ts'
import { aDevice } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toAll, toUsers } from '#test/support/notifications-api.ts'

const { api, admin, people } = await notificationsWorld({ customers: 8 })

/** What happens to one push. `crash` ends its worker: nothing of that run is heard of again. */
const FATES = [
  'sent',
  'sent',
  'sent',
  'dead',
  'refused',
  'later',
  'lost answer',
  'arrived unheard',
  'crash',
  'crash after',
] as const
type Fate = (typeof FATES)[number]

interface History {
  /** To everyone, of whom nobody is listed; else to each by name. */
  readonly isBroadcast: boolean
  readonly fates: readonly Fate[]
  /** How often the broker delivers each task; twice is at the same time. */
  readonly deliveries: readonly (1 | 2)[]
  readonly pausesMs: readonly number[]
}

const histories = fc.record<History>({
  isBroadcast: fc.boolean(),
  fates: fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 60 }),
  deliveries: fc.array(fc.constantFrom(1, 1, 2), { minLength: 1, maxLength: 20 }),
  pausesMs: fc.array(fc.constantFrom(1_000, 10_000, 31_000, 61_000), { minLength: 1, maxLength: 20 }),
})

/** How long after such a fate nothing may leave for the same target. */
const QUIET_MS: Partial<Record<Fate, number>> = {
  later: 10_000,
  'lost answer': 10_000,
  'arrived unheard': 10_000,
  crash: 30_000,
  'crash after': 30_000,
}

/** Sends to the audience through one history and returns how often each target got the message. */
async function live(history: History): Promise<{ id: string; arrived: Map<string, number> }> {
  const arrived = new Map<string, number>()
  const quietUntil = new Map<string, number>()
  let tooEarly = 0
  const next = <T>(items: readonly T[], place: number): T => items[place % items.length] as T
  let [pushed, delivered] = [0, 0]
  const { id } = await api.accepted(admin, history.isBroadcast ? toAll() : toUsers(people))

  const runOnce = async (task: PublishedTask): Promise<'done' | 'crashed'> => {
    const { promise: crashed, resolve: crash } = Promise.withResolvers<'crashed'>()
    let isDead = false
    const send = ({ target }: Push): Promise<PushOutcome> => {
      // Faults end, or it would not be a finite history.
      const fate = pushed < 80 ? next(history.fates, pushed) : 'sent'
      pushed += 1
      if (isDead) return new Promise(() => {})
      if (api.time.now() < (quietUntil.get(target.value) ?? 0)) tooEarly += 1
      quietUntil.set(target.value, api.time.now() + (QUIET_MS[fate] ?? 0))
      const arrives = (): void => void arrived.set(target.value, (arrived.get(target.value) ?? 0) + 1)
      if (fate === 'sent' || fate === 'arrived unheard' || fate === 'crash after') arrives()
      if (fate !== 'crash' && fate !== 'crash after') return Promise.resolve(outcomeOf(fate))
      isDead = true
      crash('crashed')
      return new Promise(() => {})
    }
    const push = gatewayOf(send)
    // Else the dead would ask every second whether they are still wanted, for an hour and a half.
    const timers = api.time.ofProcess(() => isDead)
    return Promise.race([api.run(task, { push, timers, chunkSize: 3 }).then(() => 'done' as const), crashed])
  }

  let inBroker: PublishedTask[] = []
  for (let turn = 0; turn < 200; turn += 1) {
    inBroker.push(...(await api.publishDue()))
    const redelivered: PublishedTask[] = []
    for (const task of inBroker) {
      const times = next(history.deliveries, delivered)
      delivered += 1
      const ends = await Promise.all(Array.from({ length: times }, () => runOnce(task)))
      if (ends.includes('crashed')) redelivered.push(task)
    }
    inBroker = redelivered
    const { state } = await api.status(id)
    assert.equal(tooEarly, 0, 'sent again too early')
    if (state === 'done') return { id, arrived }
    // Ever longer, so that the hour in which a device is tried ends within the turns: 85 minutes with the shortest pause.
    await api.time.pass(next(history.pausesMs, turn) * (1 + Math.floor(turn / 4)))
  }
  throw new Error(`not done after 200 turns: ${JSON.stringify(await api.counts(id))}`)
}

function outcomeOf(fate: Exclude<Fate, 'crash' | 'crash after'>): PushOutcome {
  switch (fate) {
    case 'sent':
      return { state: 'sent', providerId: 'p' }
    case 'dead':
      return { state: 'dead_target', reason: 'UNREGISTERED' }
    case 'refused':
      return { state: 'refused', reason: 'INVALID_ARGUMENT' }
    case 'later':
      return { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
    case 'lost answer':
    case 'arrived unheard':
      return { state: 'retry', reason: 'TIMEOUT', afterMs: 10_000, maybeSent: true }
  }
}

test('whatever fails and whoever dies, every device gets an outcome, and only unknown ones are sent to twice', async () => {
  const { db } = api.database
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      await db.deleteFrom('device').execute()
      for (const person of people) await aDevice(api.database, person, `target of ${person}`)
      const devices = await db.selectFrom('device').select(['id', 'target']).execute()
      const { id, arrived } = await live(history)
      const rows = await deliveriesOf(api.database, id)
      const counted = devices.filter((device) => rows.every((row) => row.device_id !== device.id))
      const { sent, failed, dead_tokens: dead } = await api.counts(id)
      // Of everyone, what was sent at once is counted alone.
      if (!history.isBroadcast) assert.equal(rows.length, people.length)
      for (const { target } of counted) assert.equal(arrived.get(target ?? ''), 1)
      assert.equal(sent, counted.length + rows.filter((row) => row.state === 'sent').length)
      assert.equal((sent ?? 0) + (failed ?? 0) + (dead ?? 0), people.length)
      for (const row of rows) {
        const target = devices.find((device) => device.id === row.device_id)?.target ?? ''
        const times = arrived.get(target) ?? 0
        assert.ok(['sent', 'failed', 'dead'].includes(row.state), `${row.state} is no outcome`)
        if (row.state === 'sent') assert.ok(times >= 1, 'counted as sent, and never left')
        if (times > 1) assert.ok(row.maybe_duplicate, 'sent twice, and nobody noted that it may have been')
        if (row.state !== 'sent' && times > 0)
          assert.ok(row.maybe_duplicate, 'arrived, and nobody noted that it may have')
      }
      const leftTargets = await db.selectFrom('device').select('id').where('target', 'is', null).execute()
      assert.equal(leftTargets.length, rows.filter((row) => row.state === 'dead').length)
    }),
    // The first is a history that the hour alone can end.
    { numRuns: 25, examples: [[{ isBroadcast: false, fates: ['lost answer'], deliveries: [1], pausesMs: [1_000] }]] },
  )
})
