import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Push } from '#src/ports/push-gateway.ts'
import { aLink, aMeter, anAgency } from '#test/support/factories.ts'
import { deliveriesOf, recipientsOf } from '#test/support/notification-outcomes.ts'
import {
  aDevice,
  aDeviceEach,
  aPerson,
  type Caller,
  manyCustomers,
  removeCustomers,
  staff,
} from '#test/support/notification-people.ts'
import { notificationsWorld, toAgency, toAll, toUser, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld({ customers: 0 })

const targets = (pushes: readonly Push[]): string[] => pushes.map(({ target }) => target.value).toSorted()

async function disable(accountId: string): Promise<void> {
  const { db } = api.database
  await db.updateTable('account').set({ disabled_at: new Date() }).where('id', '=', accountId).execute()
}

test('everyone: each device of every customer who may log in, once; no staff, nobody listed', async () => {
  const people = await manyCustomers(api.database, 60)
  const expected: string[] = []
  for (const [place, person] of people.entries()) {
    for (let device = 0; device < place % 3; device += 1) {
      const target = `${place}/${device}`
      await aDevice(api.database, person, target)
      expected.push(target)
    }
  }
  const { id: gone } = await aPerson(api.database)
  await aDevice(api.database, gone, 'of somebody disabled')
  await disable(gone)
  const member = await staff(api.database, 'service')
  await aDevice(api.database, member.id, 'of staff')
  const { id } = await api.accepted(admin, toAll())
  const ran = await api.runDue({ chunkSize: 7 })
  assert.deepEqual(targets(api.pushesOf(id)), expected.toSorted())
  const { state, counts } = await api.status(id)
  assert.equal(state, 'done')
  assert.deepEqual(
    [counts.recipients, counts.recipients_done, counts.devices, counts.sent],
    [60, 60, expected.length, expected.length],
  )
  assert.equal((await recipientsOf(api.database, id)).size, 0)
  assert.equal(ran.filter(({ kwargs }) => 'chunk' in kwargs).length, Math.ceil(60 / 7))
})

test('an agency: whoever has an accepted link to a meter of it, once per device however many ways lead there', async () => {
  const { db } = api.database
  const [mine, other] = [await anAgency(db), await anAgency(db)]
  const [first, second] = [
    await aMeter(db, { agencyId: mine.id }),
    await aMeter(db, { agencyId: mine.id, kind: 'postpaid' }),
  ]
  const [foreign, nobodys] = [await aMeter(db, { agencyId: other.id }), await aMeter(db)]
  const link = async (
    name: string,
    ...links: [meter: { id: string }, role: 'owner' | 'shared', state?: 'pending' | 'revoked'][]
  ) => {
    const { id } = await aPerson(api.database)
    for (const device of ['a', 'b']) await aDevice(api.database, id, `${name} ${device}`)
    for (const [meter, role, state = 'accepted'] of links)
      await aLink(db, { meterId: meter.id, accountId: id, role, state })
    return id
  }
  await link('both', [first, 'owner'], [second, 'shared'], [foreign, 'shared'])
  await link('shared', [first, 'shared'])
  await link('pending', [first, 'shared', 'pending'], [foreign, 'owner'])
  await link('revoked', [second, 'shared', 'revoked'])
  await link('none', [nobodys, 'owner'])
  await disable(await link('disabled', [second, 'owner']))
  const { id } = await api.accepted(admin, toAgency(mine.id))
  await api.runDue({ chunkSize: 1 })
  assert.deepEqual(targets(api.pushesOf(id)), ['both a', 'both b', 'shared a', 'shared b'])
  const { counts } = await api.status(id)
  assert.deepEqual([counts.recipients, counts.devices, counts.sent], [2, 4, 4])
  assert.equal((await recipientsOf(api.database, id)).size, 0)
})

test('only the start is on `urgent`, whatever the audience', async () => {
  const people = await manyCustomers(api.database, 12)
  await aDeviceEach(api.database)
  for (const body of [toAll({ priority: 'urgent' }), toUsers(people, { priority: 'urgent' })]) {
    api.script = ({ messageId }) =>
      messageId.startsWith('0') ? undefined : { state: 'retry', reason: 'UNAVAILABLE', afterMs: 1, maybeSent: false }
    const { id } = await api.accepted(admin, body)
    const ran = await api.runDue({ chunkSize: 5 })
    api.script = undefined
    await api.time.pass(60_000)
    ran.push(...(await api.runDue({ chunkSize: 5 })))
    const [start, ...others] = ran.filter(({ kwargs }) => kwargs['notification_id'] === id)
    assert.equal(start?.queue, 'urgent')
    assert.ok(others.length >= 4)
    assert.deepEqual(new Set(others.map(({ queue }) => queue)), new Set(['high_priority']))
    assert.equal((await api.counts(id)).sent, 12)
  }
})

interface Cut {
  readonly chunks: number
  readonly recipients: number
  readonly missed: number
  readonly overlaps: number
}

/** What the fan-out has cut, against who is meant. */
async function cutOf(id: string, meant: readonly string[] | 'everyone'): Promise<Cut> {
  const who =
    meant === 'everyone'
      ? sql`select id from account where role = 'customer'`
      : sql`select unnest(${meant}::uuid[]) as id`
  const { rows } = await sql<Cut>`
    with chunk as (select * from notification_chunk where notification_id = ${id}),
      next as (select after_account, lag(through_account) over (order by number) as before from chunk),
      -- In the order of ids: to ask for each account which chunks it is in would take seconds.
      place as (
        select after_account as id, 1 as opened, false as is_meant from chunk
        union all select through_account, -1, false from chunk
        union all select w.id, 0, true from (${who}) as w
      ), held as (
        select is_meant, sum(opened) over (order by id, is_meant desc rows unbounded preceding) as chunks from place
      )
    select (select count(*) from chunk)::integer as chunks,
      (select coalesce(sum(recipients), 0) from chunk)::integer as recipients,
      (select count(*) from held where is_meant and chunks <> 1)::integer as missed,
      (select count(*) from next where after_account < before)::integer as overlaps`.execute(api.database.db)
  const [cut] = rows
  assert.ok(cut)
  return cut
}

test('everyone is in exactly one chunk, however many steps it takes, and whoever runs them how often', async () => {
  await manyCustomers(api.database, 45_000)
  const { id } = await api.accepted(admin, toAll({ priority: 'low' }))
  const start = await api.nextTask()
  await api.run(start)
  const published = api.published.length
  await api.publisher().drain()
  const [continuation, ...chunks] = api.published.slice(published)
  assert.deepEqual(continuation?.kwargs, { notification_id: id, fan_out: true }, 'the next step goes before the chunks')
  assert.deepEqual(
    chunks.map(({ kwargs }) => kwargs['chunk']),
    Array.from({ length: Math.ceil(20_000 / 128) }, (_, index) => index + 1),
  )
  assert.deepEqual(new Set(chunks.map(({ queue }) => queue)), new Set(['low_priority']))
  assert.ok(continuation)

  const dying = api.database.db.withPlugin({
    transformQuery: ({ node }) => {
      if (node.kind === 'InsertQueryNode') throw new Error('the worker dies before it commits')
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const cutBefore = await cutOf(id, [])
  await assert.rejects(api.run(continuation, { db: dying }), { code: 'notifications/sending-interrupted' })
  assert.deepEqual(await cutOf(id, []), cutBefore, 'half a step is no step')

  const between = api.published.length
  await Promise.all([api.run(continuation), api.run(continuation), api.run(start)])
  await api.publisher().drain()
  const last = api.published.slice(between).filter(({ kwargs }) => kwargs['fan_out'] === true)
  assert.equal(last.length, 1)
  assert.equal(api.published.slice(between).length, 1 + Math.ceil(20_000 / 128))
  assert.ok(last[0])
  await api.run(last[0])
  for (const late of [start, continuation, last[0]]) await api.run(late)
  const perStep = [20_000, 20_000, 5_000].map((accounts) => Math.ceil(accounts / 128))
  // The sender is an account too, wherever its id lies among them.
  const { chunks: cut, ...rest } = await cutOf(id, 'everyone')
  assert.deepEqual(rest, { recipients: 45_000, missed: 0, overlaps: 0 })
  assert.ok(cut - perStep.reduce((sum, count) => sum + count) <= 2)
  assert.equal((await api.cancel(admin, id)).statusCode, 200)
  await api.runDue()
})

test('whoever is meant is in exactly one chunk: any audience, any size of chunk, tasks delivered at any time and twice', async () => {
  const { db } = api.database
  const agency = await anAgency(db)
  const meter = await aMeter(db, { agencyId: agency.id })
  const people = await manyCustomers(api.database, 130)
  const histories = fc.record({
    kind: fc.constantFrom('all', 'agency', 'users'),
    meant: fc.uniqueArray(fc.nat({ max: people.length - 1 }), { minLength: 1, maxLength: people.length }),
    chunkSize: fc.integer({ min: 1, max: 40 }),
    times: fc.array(fc.constantFrom(1, 1, 2, 3), { minLength: 1 }),
  })
  await fc.assert(
    fc.asyncProperty(histories, async ({ kind, meant, chunkSize, times }) => {
      const chosen = meant.map((place) => people[place] ?? '')
      await db.deleteFrom('meter_link').execute()
      for (const accountId of chosen) await aLink(db, { meterId: meter.id, accountId, role: 'shared' })
      const body = { all: toAll(), agency: toAgency(agency.id), users: toUsers(chosen) }[kind]
      const { id } = await api.accepted(admin, body)
      let ran = 0
      for (let from = api.published.length; ;) {
        await api.publisher().drain()
        const tasks = api.published.slice(from)
        from = api.published.length
        if (tasks.length === 0) break
        for (const task of tasks) {
          const deliveries = times[ran % times.length] ?? 1
          ran += 1
          await Promise.all(Array.from({ length: deliveries }, () => api.run(task, { chunkSize })))
        }
      }
      const everybody = kind === 'all' ? people : chosen
      const { chunks, ...rest } = await cutOf(id, everybody)
      assert.deepEqual(rest, { recipients: everybody.length, missed: 0, overlaps: 0 })
      assert.ok(chunks >= Math.ceil(everybody.length / chunkSize))
      assert.equal((await api.status(id)).state, 'done')
    }),
    { numRuns: 6, examples: [[{ kind: 'users', meant: people.map((_, place) => place), chunkSize: 1, times: [2] }]] },
  )
})

test('a broadcast whose customers are all gone when it starts is done', async () => {
  await manyCustomers(api.database, 200)
  const { id } = await api.accepted(admin, toAll())
  await removeCustomers(api.database)
  await api.runDue({ chunkSize: 50 })
  const { state, counts } = await api.status(id)
  assert.deepEqual([state, counts.devices, counts.sent], ['done', 0, 0])
})

test('in a broadcast: dead targets go, those of a bad message stay, those refused are set aside, all are counted', async () => {
  const people = await manyCustomers(api.database, 40)
  for (const [place, person] of people.entries()) await aDevice(api.database, person, `${place % 4} ${place}`)
  api.script = ({ target }) => {
    switch (target.value[0]) {
      case '0':
        return { state: 'dead_target', reason: 'UNREGISTERED' }
      case '1':
        return { state: 'refused', reason: 'INVALID_ARGUMENT' }
      case '2':
        return { state: 'refused', reason: 'SENDER_ID_MISMATCH', quarantine: true }
      default:
        return undefined
    }
  }
  const first = await api.accepted(admin, toAll())
  await api.runDue({ chunkSize: 15 })
  const { state, counts } = await api.status(first.id)
  assert.equal(state, 'done')
  assert.deepEqual([counts.devices, counts.dead_tokens, counts.failed, counts.sent], [40, 10, 20, 10])
  const left = await api.database.db.selectFrom('device').select('target').where('target', 'is not', null).execute()
  assert.deepEqual(new Set(left.map(({ target }) => target?.[0])), new Set(['1', '2', '3']))
  assert.equal(left.length, 30)
  const rows = await deliveriesOf(api.database, first.id)
  assert.equal(rows.length, 30, 'what was sent at once has no row')

  api.script = undefined
  const second = await api.accepted(admin, toAll())
  await api.runDue({ chunkSize: 15 })
  assert.deepEqual(new Set(api.pushesOf(second.id).map(({ target }) => target.value[0])), new Set(['1', '3']))
})

test('a device that gets another target while its chunk is under way keeps it, and a later attempt uses it', async () => {
  const { db } = api.database
  const people = await manyCustomers(api.database, 40)
  for (const person of people) await aDevice(api.database, person, `old ${person}`)
  const [first = '', last = ''] = [people[0], people.at(-1)]
  const renew = (person: string) =>
    db
      .updateTable('device')
      .set({ target: `new ${person}` })
      .where('account_id', '=', person)
      .execute()
  const { id } = await api.accepted(admin, toAll())
  let renewed: Promise<unknown> | undefined
  api.script = ({ target }) => {
    if (target.value === `old ${first}`) {
      renewed = Promise.all([renew(first), renew(last)])
      return { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
    }
    return target.value === `old ${last}` ? { state: 'dead_target', reason: 'UNREGISTERED' } : undefined
  }
  await api.runDue()
  await renewed
  const device = await db.selectFrom('device').select('target').where('account_id', '=', last).executeTakeFirst()
  assert.equal(device?.target, `new ${last}`)
  await api.time.pass(10_000)
  await api.runDue()
  const used = api.pushesOf(id).map(({ target }) => target.value)
  assert.ok(used.includes(`new ${first}`))
  const { state, counts } = await api.status(id)
  assert.deepEqual([state, counts.sent, counts.dead_tokens], ['done', 39, 1])
})

test('an agent does not see, nor stop, what a colleague or another agency sends; a service does not send to all', async () => {
  const { db } = api.database
  const [mine, other] = [await anAgency(db), await anAgency(db)]
  const agent = await staff(api.database, 'agent', mine.id)
  const strangers = [
    await staff(api.database, 'agent', mine.id),
    await staff(api.database, 'agent', other.id),
    await staff(api.database, 'service'),
  ]
  const { id: person } = await aPerson(api.database)
  await aLink(db, { meterId: (await aMeter(db, { agencyId: mine.id })).id, accountId: person })
  const { id } = await api.accepted(agent, toAgency(mine.id))
  for (const stranger of strangers) {
    assert.equal((await api.get(stranger, `/api/notifications/${id}`)).statusCode, 404)
    assert.equal((await api.cancel(stranger, id)).statusCode, 404)
  }
  assert.equal((await api.cancel({ id: person, role: 'customer' }, id)).statusCode, 404)
  assert.equal((await api.status(id)).state, 'queued')
  for (const caller of [strangers[2] as Caller, agent]) assert.equal((await api.send(caller, toAll())).statusCode, 403)
  assert.equal((await api.send(agent, toAgency(other.id))).statusCode, 404)
  assert.equal((await api.send(agent, toUser(admin.id))).statusCode, 404)
  assert.equal((await api.cancel(agent, id)).statusCode, 200)
})
