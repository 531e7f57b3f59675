import assert from 'node:assert/strict'
import { after, beforeEach } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { memoryEventBus } from '#src/adapters/event-bus/memory.ts'
import { type RecorderGateway, recorderGateway } from '#src/adapters/push/memory.ts'
import type { Actor } from '#src/core/actor.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { createMetrics } from '#src/http/metrics.ts'
import { buildServer } from '#src/http/server.ts'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { inboxRoutes } from '#src/modules/inbox/routes.ts'
import { selfPolicy } from '#src/modules/meters/reach.ts'
import { notificationRoutes } from '#src/modules/notifications/routes.ts'
import { notificationTasks, type TaskParts } from '#src/modules/notifications/sending/tasks.ts'
import { OutboxPublisher, type PublishedTask } from '#src/modules/outbox/publisher.ts'
import type { Push, PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { VirtualTime } from '#test/celery/virtual-time.ts'
import { testDatabase } from '#test/support/database.ts'
import { type LogCapture, captureLog } from '#test/support/log.ts'
import type { Accepted, Counts, Status } from '#test/support/notification-outcomes.ts'
import {
  aDeviceEach,
  anyAdmin,
  type Caller,
  manyCustomers,
  removeCustomers,
  staff,
} from '#test/support/notification-people.ts'

/** Notifications alone, on a database of their own; time, pushes and the hand-over of tasks are in the test's hands. */
export interface NotificationsApi extends AsyncDisposable {
  readonly database: Database
  readonly app: App
  readonly time: VirtualTime
  readonly gateway: RecorderGateway
  readonly log: LogCapture
  /** What the broker was given, in order. */
  readonly published: PublishedTask[]
  /** Says what becomes of each push; sent unless it says otherwise. */
  script: ((push: Push) => PushOutcome | undefined) | undefined
  /** What the broker does with a task instead of taking it. */
  refuse: ((task: PublishedTask) => Error | undefined) | undefined
  send(caller: Caller, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  /** As `send`; fails the test where it is refused. */
  accepted(caller: Caller, body: unknown, headers?: Record<string, string>): Promise<Accepted>
  cancel(caller: Caller, id: string): Promise<LightMyRequestResponse>
  get(caller: Caller, url: string): Promise<LightMyRequestResponse>
  put(caller: Caller, url: string): Promise<LightMyRequestResponse>
  publisher(): OutboxPublisher
  /** Gives the broker what is due, and returns it. */
  publishDue(): Promise<PublishedTask[]>
  /** As `publishDue`, and the last of it; fails the test where nothing is due. */
  nextTask(): Promise<PublishedTask>
  /** Runs one task as a worker would. */
  run(task: PublishedTask, parts?: Partial<TaskParts>, signal?: AbortSignal): Promise<unknown>
  /** Publishes what is due and runs it, until nothing is due. Returns the tasks that ran. */
  runDue(parts?: Partial<TaskParts>): Promise<PublishedTask[]>
  /** As an admin reads it. */
  status(id: string): Promise<Status>
  counts(id: string): Promise<Counts>
  /** What the gateway was given of a notification. */
  pushesOf(id: string): Push[]
}

async function notificationsApi(): Promise<NotificationsApi> {
  const capture = captureLog()
  const { log } = capture
  const opened = new CloseStack(createLogger('fatal'))
  const fresh = await testDatabase()
  opened.defer('test database', () => fresh.close())
  const database = opened.add('pool', openDatabase({ url: fresh.url, log }))
  const { db } = database
  const time = new VirtualTime(Date.UTC(2026, 2, 15, 10), () => database.use().busy === 0)
  const published: PublishedTask[] = []
  const gateway = recorderGateway((push) => api.script?.(push))
  const bus = opened.use('event bus', memoryEventBus({ log }))
  const routes = [
    notificationRoutes({ db, clock: time.now, kick: () => {} }),
    inboxRoutes({ db, clock: time.now, bus, selfPolicy: selfPolicy('id') }),
  ]
  const { app } = await buildServer({
    log,
    version: '0',
    verifyToken,
    recordRead: readRecorder(db),
    readiness: { phase: () => 'ready', dependencies: async () => ({}), required: [] },
    metrics: createMetrics(),
    metricsToken: undefined,
    routes,
  })
  opened.defer('server', () => app.close())

  const sendTask = async (task: PublishedTask): Promise<void> => {
    const refusal = api.refuse?.(task)
    if (refusal !== undefined) throw refusal
    published.push(task)
  }
  const publisher = (): OutboxPublisher => new OutboxPublisher({ db, sendTask, timers: time, log })
  const call = (method: 'GET' | 'PUT' | 'POST', { id, role }: Caller, url: string) =>
    app.inject({ method, url, headers: { authorization: `Bearer ${role}/${id}` } })

  const api: NotificationsApi = {
    database,
    app,
    time,
    gateway,
    log: capture,
    published,
    script: undefined,
    refuse: undefined,
    publisher,
    async publishDue() {
      const from = published.length
      await publisher().drain()
      return published.slice(from)
    },
    async nextTask() {
      const task = (await api.publishDue()).at(-1)
      assert.ok(task, 'nothing is due')
      return task
    },
    send: ({ id, role }, body, headers = {}) =>
      app.inject({
        method: 'POST',
        url: '/notifications',
        payload: JSON.stringify(body),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${role}/${id}`, ...headers },
      }),
    async accepted(caller, body, headers) {
      const answer = await api.send(caller, body, headers)
      if (answer.statusCode !== 202) throw new Error(`refused: ${answer.statusCode} ${answer.body}`)
      return answer.json<Accepted>()
    },
    cancel: (caller, id) => call('POST', caller, `/api/notifications/${id}/cancel`),
    get: (caller, url) => call('GET', caller, url),
    put: (caller, url) => call('PUT', caller, url),
    async run({ task, taskId, kwargs }, parts = {}, signal = new AbortController().signal) {
      const push: PushGateway = gateway
      const tasks = notificationTasks({ db, push, timers: time, log, random: () => 0, ...parts })
      const known = tasks.find(({ name }) => name === task)
      if (known === undefined) throw new Error(`no task ${task}`)
      return known.handler(known.parse(kwargs), { signal, taskId })
    },
    async runDue(parts = {}) {
      const ran: PublishedTask[] = []
      for (;;) {
        const tasks = await api.publishDue()
        if (tasks.length === 0) return ran
        for (const task of tasks) await api.run(task, parts)
        ran.push(...tasks)
      }
    },
    async status(id) {
      const answer = await api.get({ id: (await anyAdmin(database)).id, role: 'admin' }, `/api/notifications/${id}`)
      if (answer.statusCode !== 200) throw new Error(`no status: ${answer.statusCode} ${answer.body}`)
      return answer.json<Status>()
    },
    counts: async (id) => (await api.status(id)).counts,
    pushesOf: (id) => gateway.pushes.filter(({ data }) => data['notification_id'] === id),
    [Symbol.asyncDispose]: () => opened.close(),
  }
  return api
}

/** What the tests of one file share. */
export interface NotificationsWorld {
  readonly api: NotificationsApi
  readonly admin: Caller
  /** In the order in which chunks go through them; each has one device, whose target is the account's id. */
  readonly people: readonly string[]
  /** Both ways in which recipients are known, the same people: listed one by one, and found by range. */
  readonly ways: readonly (readonly [name: string, body: (fields?: object) => object])[]
}

/**
 * An API for the file that calls it, closed after its last test.
 * @param options.customers so many before each test, and nobody else; absent: whoever is there stays
 */
export async function notificationsWorld({
  customers,
}: { readonly customers?: number } = {}): Promise<NotificationsWorld> {
  const api = await notificationsApi()
  after(() => api[Symbol.asyncDispose]())
  const people: string[] = []
  beforeEach(async () => {
    api.script = undefined
    api.refuse = undefined
    if (customers === undefined) return
    await removeCustomers(api.database)
    people.splice(0, people.length, ...(await manyCustomers(api.database, customers)))
    await aDeviceEach(api.database)
  })
  const ways = [
    ['listed', (fields?: object) => toUsers(people, fields)],
    ['broadcast', toAll],
  ] as const
  return { api, admin: await staff(api.database, 'admin'), people, ways }
}

/** A gateway that does with each push what it is told. */
export function gatewayOf(send: PushGateway['send']): PushGateway {
  return { send, [Symbol.asyncDispose]: async () => {} }
}

/** These tests are not about tokens: a token is who it stands for. */
function verifyToken(token: string): Actor {
  const [role, accountId] = token.split('/')
  if (role === undefined || accountId === undefined) throw httpErrors.unauthenticated()
  return { accountId, sessionId: accountId, role: role as Actor['role'] }
}

export const toUser = (userId: string, fields: object = {}) => ({
  title: 'Coupure programmée',
  body: 'Demain de 8 h à 14 h.',
  audience: { kind: 'user', user_id: userId },
  priority: 'normal',
  ...fields,
})

export const toUsers = (userIds: readonly string[], fields: object = {}) =>
  toUser('', { audience: { kind: 'users', user_ids: userIds }, ...fields })

export const toAgency = (agencyId: string, fields: object = {}) =>
  toUser('', { audience: { kind: 'agency', agency_id: agencyId }, ...fields })

export const toAll = (fields: object = {}) => toUser('', { audience: { kind: 'all' }, ...fields })
