import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { addDays, type Day } from '#src/core/calendar.ts'
import { systemClock } from '#src/core/clock.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { acceptNotification } from '#src/modules/notifications/accept.ts'
import { EventStream } from '#test/support/event-stream.ts'
import { aCustomer, aLink, aMeter, aPhone, aStaffMember } from '#test/support/factories.ts'
import { type StartedProgram, until } from '#test/support/processes.ts'
import { type RealSystem, realSystem, type RunningApi } from '#test/support/real-system.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'

/** The processes of production over the engines of production; each test leaves every engine as it found it. */

let system: RealSystem
let sic: SicUnderTest
let apis: readonly RunningApi[]
let urgentWorker: StartedProgram
let admin: string
before(async () => {
  ;[system, sic] = await Promise.all([realSystem(), sicUnderTest()])
  const { user, password } = sic.options('SIC')
  const sources = {
    SIC_URL: `sqlserver://${user}@127.0.0.1:${sic.port}/SIC?encrypt=off`,
    SIC_PASSWORD: password,
  }
  const [first, second, worker] = await Promise.all([
    system.api(sources),
    system.api(sources),
    system.worker('urgent,high_priority'),
    system.worker('normal,low_priority'),
  ])
  apis = [first, second]
  urgentWorker = worker
  admin = (await logIn(first, await aStaffMember(system.database.db, 'admin'))).access_token
})
after(async () => {
  await system?.[Symbol.asyncDispose]()
  await sic?.[Symbol.asyncDispose]()
})

test('consumption comes from SQL Server once, and from Redis for both instances after that', async () => {
  const { db } = system.database
  const customer = await aCustomer(db)
  const meter = await aMeter(db, { kind: 'prepaid' })
  await aLink(db, { meterId: meter.id, accountId: customer.id })
  await sic.insert('HEXING_SENELECBILL_ALHDL2', [
    {
      NUMERO_COMMANDE: randomUUID(),
      NUMERO_COMPTEUR: meter.number,
      POLICE: meter.police,
      DATE_TRANSACTION: '2026-03-04 10:00:00.000',
      ENERGIE_VENDUE: '31.5',
      MONTANT_RECU: '5000',
      MONTANT_TTC: '5000',
    },
  ])
  const { access_token: token } = await logIn(api(0), customer)
  const pathFrom = (from: Day): string => `/api/consumption/${customer.id}?from=${from}&to=2026-04-01`
  const first = await call(api(0), 'GET', pathFrom('2026-03-01'), { token })
  assert.equal(first.status, 200, first.text)
  assert.deepEqual([first.body['energy_kwh'], first.body['amount_xof'], first.body['stale']], [31.5, 5000, false])
  assert.equal(first.headers.get('x-cache'), 'MISS')
  let asked = 0
  await until('an answer that one instance has kept is a hit at the first look of the other', async () => {
    // Where Redis is not quick enough an instance does without: another question shows it.
    const path = pathFrom(addDays('2026-03-01', -asked))
    asked += 1
    const kept = await keptAnswer(path, token)
    const second = await call(api(1), 'GET', path, { token })
    assert.equal(second.text, kept.text)
    return second.headers.get('x-cache') === 'HIT'
  })
})

/** An answer did not wait until it was kept; read back by the instance that made it, it is in Redis. */
async function keptAnswer(path: string, token: string): Promise<Answer> {
  let answer = await call(api(0), 'GET', path, { token })
  await until('the answer is kept', async () => {
    answer = await call(api(0), 'GET', path, { token })
    return answer.headers.get('x-cache') === 'HIT'
  })
  return answer
}

const LANES = [
  ['urgent', 'urgent'],
  ['high', 'high_priority'],
  ['normal', 'normal'],
  ['low', 'low_priority'],
] as const

test('a notification of each priority goes through its queue and its worker to the device', async () => {
  for (const [priority, queue] of LANES) {
    const { userId, target } = await aReachableCustomer()
    const accepted = await notify(api(0), userId, priority)
    assert.equal(accepted.status, 202, accepted.text)
    assert.equal(accepted.body['queue'], queue)
    await pushed(target)
    const status = accepted.body['status_url'] as string
    await until(`the ${priority} one is done`, async () => {
      const { body } = await call(api(1), 'GET', status, { token: admin })
      return body['state'] === 'done' && (body['counts'] as { sent: number }).sent === 1
    })
  }
})

test('a logout on one instance is refused at once by the other', async () => {
  const { db } = system.database
  const customer = await aCustomer(db)
  const { access_token: token } = await logIn(api(0), customer)
  const path = `/api/users/${customer.id}`
  assert.equal((await call(api(1), 'GET', path, { token })).status, 200)
  // An instance is ready before it is connected to RabbitMQ.
  await until('both instances listen', async () => {
    const bindings = await system.rabbitmq.ctl('list_bindings', '-p', 'samaconso', 'source_name')
    return bindings.split('samaconso.ended_sessions').length === 1 + apis.length
  })
  assert.equal((await call(api(0), 'POST', '/api/logout', { token, body: {} })).status, 204)
  await db.transaction().execute(async (tx) => {
    // The look at PostgreSQL, every second, sees nothing meanwhile: the other instance was told.
    await sql`lock table session in access exclusive mode`.execute(tx)
    await until('the other instance knows', async () => (await call(api(1), 'GET', path, { token })).status === 401)
  })
})

test('a message that a worker begins to send is seen on the open streams of both instances', async () => {
  const customer = await aCustomer(system.database.db)
  const { access_token: token } = await logIn(api(0), customer)
  const streams = await Promise.all([api(0), api(1)].map(({ url }) => EventStream.open({ url, token })))
  for (const stream of streams) await stream.event('open')
  const accepted = await notify(api(0), customer.id, 'high')
  for (const stream of streams) {
    const { data } = await stream.event('notification', { id: accepted.body['id'] })
    assert.equal(data['unread'], 1)
  }
  assert.equal((await call(api(1), 'POST', '/api/logout', { token, body: {} })).status, 204)
  for (const stream of streams) await stream.event('closing', { reason: 'session_ended' })
})

test('without Redis requests are answered and pushes go', async () => {
  const { userId, target } = await aReachableCustomer()
  const customer = await aCustomer(system.database.db)
  await system.redis.stop()
  try {
    const { access_token: token } = await logIn(api(0), customer)
    const read = await call(api(1), 'GET', `/api/consumption/${customer.id}`, { token })
    assert.equal(read.status, 200, read.text)
    assert.equal((await notify(api(0), userId, 'urgent')).status, 202)
    await pushed(target)
  } finally {
    await system.redis.start()
  }
})

test('without RabbitMQ notifications are accepted as before, and all are delivered when it is back', async () => {
  const people = await Promise.all(LANES.map(() => aReachableCustomer()))
  await system.rabbitmq.kill()
  try {
    for (const [index, [priority]] of LANES.entries()) {
      const answer = await notify(api(index % 2), people[index]?.userId ?? '', priority)
      assert.equal(answer.status, 202, answer.text)
    }
    await until('the API says that it is away', async () => {
      const { status, body } = await call(api(0), 'GET', '/ready')
      assert.equal(status, 200)
      return JSON.stringify(body).includes('"broker":"unavailable"')
    })
  } finally {
    await system.rabbitmq.start()
  }
  for (const { target } of people) await pushed(target)
})

test('without PgBouncer requests are refused with a reason, tasks wait, and all goes on when it is back', async () => {
  const { db } = system.database
  const { userId, target } = await aReachableCustomer()
  const taskId = randomUUID()
  const { settings } = system
  await using broker = rabbitmqBroker({
    url: settings['BROKER_URL'] ?? '',
    log: createLogger('fatal'),
    name: 'test',
    timers: systemTimers,
  })
  await broker.connected()
  const notification = { title: 'Coupure', body: 'Demain', audience: { kind: 'user', user_id: userId } } as const
  const sender = { accountId: (await aStaffMember(db, 'service')).id, sessionId: taskId, role: 'service' } as const
  const stored = { ...notification, priority: 'urgent' } as const
  await system.pgbouncer.stop()
  try {
    const { answer } = await acceptNotification({ db, clock: systemClock }, sender, stored, undefined)
    // Its task is published by hand: the publishers are cut off as well.
    const kwargs = { notification_id: answer['id'] ?? '' }
    const task = { task: 'send_urgent_notification', queue: 'urgent', kwargs }
    await new CeleryClient({ broker, clock: systemClock }).sendTask({ id: taskId, ...task })
    await urgentWorker.line(new RegExp(`"taskId":"${taskId}".*task will be retried`))
    for (const [index, path] of [`/api/users/${userId}`, '/ready'].entries()) {
      assert.equal((await call(api(index), 'GET', path, { token: admin })).status, 503)
    }
    assert.equal((await notify(api(0), userId, 'normal')).status, 503)
    assert.equal((await call(api(0), 'GET', '/health')).status, 200)
  } finally {
    await system.pgbouncer.start()
  }
  await pushed(target)
  const isAnswered = async (): Promise<boolean> => (await notify(api(0), userId, 'normal')).status === 202
  await until('requests are answered', isAnswered, BACK_WITHIN_MS)
})

test('told to stop, each process ends in order with exit code 0', async () => {
  const worker = await system.worker('normal,low_priority')
  worker.signal('SIGTERM')
  api(1).program.signal('SIGTERM')
  assert.deepEqual(await worker.exited, { code: 0, signal: null })
  assert.deepEqual(await api(1).program.exited, { code: 0, signal: null })
})

function api(index: number): RunningApi {
  const found = apis[index]
  if (found === undefined) throw new Error(`there is no API ${index}`)
  return found
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

async function call(
  { url }: RunningApi,
  method: 'GET' | 'POST',
  path: string,
  { token, body }: { token?: string; body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const { status, headers } = response
  return { status, headers, text, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }
}

type Credentials =
  | { readonly phone: string; readonly pin: string }
  | { readonly login: string; readonly password: string }

async function logIn(at: RunningApi, given: Credentials): Promise<{ access_token: string }> {
  const body =
    'phone' in given ? { phone: given.phone, pin: given.pin } : { login: given.login, password: given.password }
  const answer = await call(at, 'POST', '/api/login', { body })
  assert.equal(answer.status, 200, answer.text)
  return answer.body as { access_token: string }
}

async function aReachableCustomer(): Promise<{ userId: string; target: string }> {
  const { id } = await system.database.db
    .insertInto('account')
    .values({ role: 'customer', phone: aPhone(), secret_hash: 'none' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const target = randomUUID()
  await system.database.db
    .insertInto('device')
    .values({ account_id: id, platform: 'android', target_kind: 'token', target })
    .execute()
  return { userId: id, target }
}

function notify(at: RunningApi, userId: string, priority: string): Promise<Answer> {
  const audience = { kind: 'user', user_id: userId }
  const body = { title: 'Coupure', body: 'Demain de 8 h à 14 h.', audience, priority }
  return call(at, 'POST', '/notifications', { token: admin, body })
}

/** What lost an engine tries again after ever longer pauses, of up to a quarter of a minute. */
const BACK_WITHIN_MS = 90_000

/** Waits until FCM has it, and sees that it has it once. */
async function pushed(target: string): Promise<void> {
  const count = (): number => system.fcm.control.received.list({ target, limit: 10 }).length
  await until('FCM has the push', () => count() > 0, BACK_WITHIN_MS)
  assert.equal(count(), 1)
}
