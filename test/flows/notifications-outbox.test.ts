import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requeueUnfinished } from '#src/modules/notifications/sending/unfinished.ts'
import { notificationUpkeep } from '#src/modules/notifications/upkeep.ts'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { aDevice, aPerson, aPreference } from '#test/support/notification-people.ts'
import { gatewayOf, notificationsWorld, toUser, toUsers } from '#test/support/notifications-api.ts'

const { api, admin } = await notificationsWorld()

const task = (key: string, notBefore = new Date(api.time.now())) => ({
  key,
  taskId: crypto.randomUUID(),
  task: 'a task',
  queue: 'a queue',
  priority: 5,
  kwargs: { key },
  notBefore,
})

const publishedKeys = (): unknown[] => api.published.map(({ kwargs }) => kwargs['key'])

async function waiting(): Promise<number> {
  const rows = await api.database.db.selectFrom('outbox').select('key').execute()
  return rows.length
}

test('what is left over is swept within a second, without a kick', async () => {
  const publisher = api.publisher()
  const key = crypto.randomUUID()
  const { promise: arrived, resolve } = Promise.withResolvers<void>()
  api.refuse = () => (resolve(), undefined)
  publisher.start()
  await addToOutbox(api.database.db, [task(key)])
  await api.time.pass(1_000)
  await arrived
  await publisher.close()
  assert.ok(publishedKeys().includes(key))
  assert.equal(await waiting(), 0)
  assert.equal(api.time.waiting, 0, 'a timer was left')
})

test('publishers that work at the same time publish each task once', async () => {
  const keys = Array.from({ length: 500 }, (): string => crypto.randomUUID())
  await addToOutbox(
    api.database.db,
    keys.map((key) => task(key)),
  )
  const counts = await Promise.all([api.publisher().drain(), api.publisher().drain(), api.publisher().drain()])
  await api.publisher().drain()
  const mine = publishedKeys().filter((key) => keys.includes(String(key)))
  assert.equal(mine.length, 500)
  assert.equal(new Set(mine).size, 500)
  assert.ok(counts.every((count) => count <= 500))
  assert.equal(await waiting(), 0)
})

test('what the broker does not confirm stays, and what it does confirm goes', async () => {
  const [good, bad] = [crypto.randomUUID(), crypto.randomUUID()]
  await addToOutbox(api.database.db, [task(good), task(bad)])
  api.refuse = ({ kwargs }) => (kwargs['key'] === bad ? new Error('the broker is away') : undefined)
  await assert.rejects(api.publisher().drain(), (error: Error) => String(error.cause).includes('the broker is away'))
  assert.equal(await waiting(), 1)
  assert.ok(publishedKeys().includes(good))
  api.refuse = undefined
  await api.publisher().drain()
  assert.ok(publishedKeys().includes(bad))
})

test('a broker that is away is told once, and everything arrives when it is back', async () => {
  const publisher = api.publisher()
  const logged = api.log.text().length
  api.refuse = () => new Error('the broker is away')
  await addToOutbox(api.database.db, [task('patient')])
  publisher.start()
  for (let sweep = 0; sweep < 3; sweep += 1) {
    const { promise, resolve } = Promise.withResolvers<void>()
    api.refuse = () => (resolve(), new Error('the broker is away'))
    await api.time.pass(1_000)
    await promise
  }
  api.refuse = undefined
  await publisher.close()
  assert.equal(await waiting(), 0)
  const told =
    api.log
      .text()
      .slice(logged)
      .match(/the outbox could not be published/g) ?? []
  assert.equal(told.length, 1)
})

test('a task waits for its time; queued again it comes at the earlier of both, once', async () => {
  const [now, key] = [api.time.now(), crypto.randomUUID()]
  await addToOutbox(api.database.db, [task(key, new Date(now + 60_000))])
  await addToOutbox(api.database.db, [task(key, new Date(now + 20_000))])
  await addToOutbox(api.database.db, [task(key, new Date(now + 90_000))])
  await api.time.pass(19_999)
  await api.publisher().drain()
  assert.ok(!publishedKeys().includes(key))
  await api.time.pass(1)
  await api.publisher().drain()
  assert.equal(publishedKeys().filter((published) => published === key).length, 1)
  assert.equal(await waiting(), 0)
})

test('closing publishes what is due, twice is safe, and a kick afterwards does nothing', async () => {
  const publisher = api.publisher()
  publisher.start()
  await addToOutbox(api.database.db, [task('at the end')])
  await Promise.all([publisher.close(), publisher.close()])
  assert.equal(await waiting(), 0)
  await addToOutbox(api.database.db, [task('too late')])
  publisher.kick()
  await publisher.close()
  assert.equal(await waiting(), 1)
  await api.publisher().drain()
})

test('a refused notification leaves no task behind', async () => {
  assert.equal((await api.send(admin, toUser(crypto.randomUUID()))).statusCode, 404)
  assert.equal(await waiting(), 0)
})

test('tasks that were published and died with the broker are queued again at the next start', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  const { id, task_id: taskId } = await api.accepted(admin, toUser(awa.id))
  await api.publisher().drain()
  assert.equal(await waiting(), 0)
  assert.equal(await requeueUnfinished(api.database.db, api.time.now, { isAlone: true }), 1)
  assert.equal(await requeueUnfinished(api.database.db, api.time.now, { isAlone: true }), 1)
  assert.equal(await waiting(), 1)
  const ran = await api.runDue()
  assert.deepEqual(
    ran.map((published) => published.taskId),
    [taskId],
  )
  assert.equal((await api.counts(id)).sent, 1)
  assert.equal(await requeueUnfinished(api.database.db, api.time.now, { isAlone: true }), 0)
})

test('chunks that did not end, and devices in flight at the crash, are found at the next start', async () => {
  const people = await Promise.all(Array.from({ length: 9 }, () => aPerson(api.database)))
  for (const { id } of people) await aDevice(api.database, id)
  const { id } = await api.accepted(admin, toUsers(people.map((person) => person.id)))
  const start = await api.nextTask()
  await api.run(start, { chunkSize: 3 })
  const [first, second] = await api.publishDue()
  assert.ok(first && second)
  await api.run(first)
  let left = 0
  const { promise: allLeft, resolve } = Promise.withResolvers<void>()
  const dying = gatewayOf(() => ((left += 1) === 3 && resolve(), new Promise<never>(() => {})))
  void api.run(second, { push: dying })
  await allLeft

  await requeueUnfinished(api.database.db, api.time.now, { isAlone: true })
  await api.runDue()
  const counts = await api.counts(id)
  assert.deepEqual([counts.devices, counts.sent], [9, 9])
  assert.equal(api.pushesOf(id).length, 9)
  const row = await api.database.db.selectFrom('notification').select('state').where('id', '=', id).executeTakeFirst()
  assert.equal(row?.state, 'done')
})

test('with a broker that keeps its messages, only what has long been idle is queued again', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  await api.accepted(admin, toUser(awa.id))
  await api.publisher().drain()
  const idleMs = 600_000
  assert.equal(await requeueUnfinished(api.database.db, api.time.now, { isAlone: false, idleMs }), 0)
  await api.time.pass(idleMs)
  assert.equal(await requeueUnfinished(api.database.db, api.time.now, { isAlone: false, idleMs }), 1)
  await api.runDue()
})

test('the hourly upkeep leaves alone what is only held until the morning', async () => {
  const { db } = api.database
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  // The clock of these tests begins at 10 in the morning.
  await aPreference(api.database, awa.id, { quiet: ['09:00', '21:00'] })
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.runDue()
  assert.equal((await api.counts(id)).held, 1)
  const upkeep = notificationUpkeep({ db, timers: api.time, log: api.log.log })
  for (let hour = 1; hour <= 3; hour += 1) await api.time.pass(3_600_000)
  await upkeep.close()
  assert.doesNotMatch(api.log.text(), /queued again/)
  await api.time.pass(9 * 3_600_000)
  await api.runDue()
  assert.equal((await api.counts(id)).sent, 1)
})

test('the hourly upkeep finds what nobody sends any more, and leaves no timer', async () => {
  const awa = await aPerson(api.database)
  await aDevice(api.database, awa.id)
  const { id } = await api.accepted(admin, toUser(awa.id))
  await api.publisher().drain()
  for (let hour = 1; hour <= 2; hour += 1) {
    const upkeep = notificationUpkeep({ db: api.database.db, timers: api.time, log: api.log.log })
    await api.time.pass(3_600_000)
    await upkeep.close()
    assert.equal(await waiting(), hour === 2 ? 1 : 0)
  }
  assert.equal(api.time.waiting, 0)
  await api.runDue()
  assert.equal((await api.counts(id)).sent, 1)
})
