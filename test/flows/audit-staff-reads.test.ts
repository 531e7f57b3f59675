import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { sql } from 'kysely'
import { systemClock } from '#src/core/clock.ts'
import { createMetrics } from '#src/http/metrics.ts'
import type { RouteEntry } from '#src/http/policy.ts'
import { buildServer, type Server } from '#src/http/server.ts'
import { auditedAs } from '#src/http/staff-reads.ts'
import { accessTokens } from '#src/modules/accounts/tokens.ts'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { userPolicy } from '#src/modules/meters/reach.ts'
import { TEST_JWT_SECRET, testApi, type TestApi } from '#test/support/api.ts'
import { objectTypeOf, policyWorld, type PolicyWorld } from '#test/support/policy-world.ts'
import { get, post } from '#test/support/requests.ts'

let api: TestApi
let world: PolicyWorld
before(async () => {
  api = await testApi()
  world = await policyWorld(api)
})
after(() => api[Symbol.asyncDispose]())

interface Entry {
  readonly actor_role: string
  readonly action: string
  readonly subject_id: string | null
  readonly details: Record<string, unknown>
}

let seen = 0
/** The entries since the last call, in order. */
async function taken(): Promise<Entry[]> {
  const rows = await api.database.db
    .selectFrom('audit_entry')
    .select(['id', 'actor_role', 'action', 'subject_id', 'details'])
    .where('id', '>', seen)
    .orderBy('id')
    .execute()
  seen = rows.at(-1)?.id ?? seen
  return rows.map(({ id: _id, ...entry }) => entry)
}

/** What staff may read without a trace, and why nothing of a customer's is in it. */
const NOT_CUSTOMERS = new Map([
  ['/api/notifications/:id', 'counts of a message that staff sent'],
  ['/api/audit', 'the log itself, which names people by their ids'],
  ['/api/tasks/:task_id', 'what became of a task'],
])

const STAFF = ['agent', 'admin', 'service'] as const
const NOT_THERE = [401, 403, 404]

/** Every read of each route that staff may make, as `role METHOD url`, with whether it left its entry and no other. */
async function staffReads({ app, routeTable }: Server): Promise<Map<string, boolean>> {
  const reads = new Map<string, boolean>()
  await taken()
  for (const route of routeTable.filter(readsUnderPolicy)) {
    const { method, url, policy } = route
    for (const caller of STAFF) {
      for (const standing of policy.kind === 'object' ? (['scope', 'foreign'] as const) : (['own'] as const)) {
        const id = policy.kind === 'object' ? world.objectId(objectTypeOf(policy), caller, standing) : null
        const token = world.token(caller) ?? assert.fail('no token')
        const path = url.replace(/:\w+/, id ?? 'x')
        const answer = await app.inject({ method: method as 'GET', url: path, headers: authorized(token) })
        const entries = await taken()
        if (NOT_THERE.includes(answer.statusCode)) {
          assert.deepEqual(entries, [], `${caller} was told ${answer.statusCode} of ${method} ${url}, which is no look`)
          continue
        }
        assert.notEqual(answer.statusCode, 400, `${method} ${url}: ask so that it is answered`)
        const expected = { actor_role: caller, action: auditedAs(policy), subject_id: id, route: `${method} ${url}` }
        const found = entries.map(({ details, ...entry }) => ({ ...entry, route: details['route'] }))
        reads.set(`${caller} ${method} ${url}`, JSON.stringify(found) === JSON.stringify([expected]))
      }
    }
  }
  return reads
}

function readsUnderPolicy({ method, url, policy }: RouteEntry): boolean {
  return (method === 'GET' || method === 'HEAD') && 'auditedAs' in policy && !NOT_CUSTOMERS.has(url)
}

const authorized = (token: string) => ({ authorization: `Bearer ${token}` })
const forgetful = (reads: Map<string, boolean>): string[] => [...reads].flatMap(([name, isIn]) => (isIn ? [] : [name]))

suite('a look by staff', () => {
  test('is in the log for every route that reads what is a customer’s, whoever of the staff may', async () => {
    const reads = await staffReads(api.server)
    assert.deepEqual(forgetful(reads), [])
    const routes = ['/api/users/:id', '/api/consumption/:user_id', '/api/meters/:id/purchases', '/api/agency/links']
    for (const url of routes) for (const role of ['agent', 'admin']) assert.ok(reads.has(`${role} GET ${url}`), url)
    const served = new Set(api.server.routeTable.map(({ url }) => url))
    for (const url of NOT_CUSTOMERS.keys()) assert.ok(served.has(url), `${url} is no route any more`)
  })

  test('canary: a route whose policy does not have it written down is found', async () => {
    const { db } = api.database
    const policy = userPolicy(db, 'id')
    const server = await buildServer({
      log: api.log.log,
      version: '0',
      verifyToken: accessTokens(TEST_JWT_SECRET, { has: () => false }, systemClock).verify,
      recordRead: readRecorder(db),
      readiness: { phase: () => 'ready', dependencies: async () => ({}), required: [] },
      metrics: createMetrics(),
      metricsToken: undefined,
      routes: [
        (app) => void app.get('/minded/:id', { config: { policy } }, () => ({})),
        (app) => void app.get('/forgotten/:id', { config: { policy: { ...policy, auditedAs: null } } }, () => ({})),
      ],
    })
    const reads = await staffReads(server)
    await server.app.close()
    assert.equal(reads.size, 8)
    assert.deepEqual(forgetful(reads).toSorted(), [
      'admin GET /forgotten/:id',
      'admin HEAD /forgotten/:id',
      'agent GET /forgotten/:id',
      'agent HEAD /forgotten/:id',
    ])
  })

  test('says what was asked for', async () => {
    const id = world.objectId('user', 'agent', 'scope')
    const asked = { from: '2026-01-01', to: '2026-02-01', format: 'csv' }
    await taken()
    await get(
      api.server.app,
      `/api/consumption/${id}/export?${new URLSearchParams(asked).toString()}`,
      world.token('agent'),
    )
    const [entry] = await taken()
    assert.deepEqual(entry?.details, { route: 'GET /api/consumption/:user_id/export', query: asked })
  })

  test('is in the log as well for an estimate for a meter, when it was let', async () => {
    const { app } = api.server
    const [meter_id, strangers] = [
      world.objectId('meter', 'agent', 'scope'),
      world.objectId('meter', 'agent', 'foreign'),
    ]
    const simulate = (body: object, caller: 'agent' | 'customer') =>
      post(app, '/api/tariffs/simulate', { amount_xof: 5_000, ...body }, world.token(caller))
    await taken()
    assert.equal((await simulate({ meter_id: strangers }, 'agent')).statusCode, 404)
    assert.equal((await simulate({ meter_id }, 'customer')).statusCode, 404)
    await simulate({ meter_id: world.objectId('meter', 'customer', 'own') }, 'customer')
    assert.deepEqual(await taken(), [])
    await simulate({ meter_id }, 'agent')
    const details = { route: 'POST /api/tariffs/simulate', query: {} }
    assert.deepEqual(await taken(), [{ actor_role: 'agent', action: 'meter.read', subject_id: meter_id, details }])
  })

  test('is found by what and whom it was of', async () => {
    const subject_id = world.objectId('meter', 'agent', 'foreign')
    await get(api.server.app, `/api/meters/${subject_id}/month`, world.token('admin'))
    const query = new URLSearchParams({ action: 'meter.read', subject_id })
    const answer = await get(api.server.app, `/api/audit?${query.toString()}`, world.token('admin'))
    const { items } = answer.json<{ items: (Entry & { actor_login: string })[] }>()
    const routes = items.map(({ details }) => details['route'])
    assert.ok(routes.includes('GET /api/meters/:id/month'), answer.body)
    for (const item of items) assert.deepEqual([item.action, item.subject_id], ['meter.read', subject_id])
  })

  test('is none where nothing is read: of oneself, of what is refused, with a question that makes no sense', async () => {
    const { app } = api.server
    const own = world.objectId('user', 'agent', 'own')
    const inScope = world.objectId('user', 'agent', 'scope')
    await taken()
    assert.equal((await get(app, `/api/users/${own}`, world.token('agent'))).statusCode, 200)
    const strangers = world.objectId('user', 'agent', 'foreign')
    assert.equal((await get(app, `/api/users/${strangers}`, world.token('agent'))).statusCode, 404)
    assert.equal((await get(app, `/api/consumption/${inScope}?period=x`, world.token('agent'))).statusCode, 400)
    assert.deepEqual(await taken(), [])
  })
})

suite('what is looked at again and again', () => {
  test('is one look, whichever page; another question, another person or another role is another one', async () => {
    const { app } = api.server
    const [one, other] = [randomUUID(), randomUUID()]
    for (const id of [one, other]) {
      await sql`insert into meter (id, kind, number) values (${id}, 'postpaid', ${id})`.execute(api.database.db)
    }
    const bills = (id: string, query = '') => get(app, `/api/meters/${id}/bills${query}`, world.token('admin'))
    await taken()
    for (let time = 0; time < 5; time += 1) await bills(one)
    for (const page of ['?limit=1', '?limit=2', '?cursor=x']) await bills(one, page)
    assert.equal((await taken()).length, 1)
    await bills(other)
    await get(app, `/api/meters/${one}/shares`, world.token('admin'))
    await get(app, `/api/meters/${one}/shares?state=revoked`, world.token('admin'))
    assert.deepEqual(
      (await taken()).map(({ action, subject_id, details }) => [action, subject_id, details['query']]),
      [
        ['meter.read', other, {}],
        ['meter_link.read', one, {}],
        ['meter_link.read', one, { state: 'revoked' }],
      ],
    )
  })

  test('is written down again after ten minutes', async () => {
    const { db } = api.database
    const record = readRecorder(db)
    const accountId = randomUUID()
    const actor = { accountId, sessionId: accountId, role: 'agent' } as const
    const look = (subjectId: string) =>
      record({ actor, action: 'meter.read', subjectId, route: 'GET /api/meters/:id/bills', query: {} })
    const [lately, earlier] = [randomUUID(), randomUUID()]
    for (const [subjectId, minutes] of [
      [lately, 9],
      [earlier, 11],
    ] as const) {
      await sql`
        insert into audit_entry (at, actor_id, actor_role, action, subject_id, details)
        values (now() - make_interval(mins => ${minutes}), ${accountId}, 'agent', 'meter.read', ${subjectId},
          '{"query": {}, "route": "GET /api/meters/:id/bills"}')`.execute(db)
    }
    await taken()
    for (const subjectId of [lately, earlier]) await look(subjectId)
    assert.deepEqual(
      (await taken()).map(({ subject_id }) => subject_id),
      [earlier],
    )
  })
})

test('a log that cannot be written refuses the looks of staff, and costs no customer anything', async () => {
  await using away = await testApi()
  const there = await policyWorld(away)
  const { app } = away.server
  const own = there.objectId('user', 'customer', 'own')
  const meter = there.objectId('meter', 'customer', 'own')
  const urls = [`/api/users/${own}`, `/api/consumption/${own}`, `/api/meters/${meter}/shares`]
  const codesOf = async (caller: 'customer' | 'admin') => {
    const answers = await Promise.all(urls.map((url) => get(app, url, there.token(caller))))
    return answers.map((answer) => [answer.statusCode, answer.json<{ code?: string }>().code])
  }
  const answered = await codesOf('customer')
  // No source is there, and nothing known: what matters is that it is said as before.
  assert.deepEqual(
    answered.map(([status]) => status),
    [200, 503, 200],
  )
  await sql`alter table audit_entry rename to audit_entry_away`.execute(away.database.db)
  assert.deepEqual(await codesOf('customer'), answered)
  for (const answer of await codesOf('admin')) assert.deepEqual(answer, [503, 'audit/read-not-written'])
})
