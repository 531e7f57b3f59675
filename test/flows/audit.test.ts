import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import type { Actor } from '#src/core/actor.ts'
import { type Audited, recordAudit } from '#src/modules/audit/audit.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer, aStaffMember, TEST_PASSWORD } from '#test/support/factories.ts'
import { get, logIn, post } from '#test/support/requests.ts'

let api: TestApi
let admin: { id: string; login: string }
let token: string

before(async () => {
  api = await testApi()
  admin = await aStaffMember(api.database.db, 'admin')
  token = (await logIn(api.server.app, { login: admin.login, password: TEST_PASSWORD })).access_token
})
after(() => api[Symbol.asyncDispose]())

interface Entry {
  readonly id: number
  readonly at: string
  readonly actor_id: string
  readonly actor_login: string | null
  readonly action: string
  readonly subject_id: string | null
  readonly details: Record<string, unknown>
}
interface Page {
  readonly items: Entry[]
  readonly next_cursor: string | null
}

const anActor = (accountId: string = randomUUID()): Actor => ({ accountId, sessionId: randomUUID(), role: 'admin' })

function record(actor: Actor, audited: Partial<Audited> = {}): Promise<void> {
  const entry: Audited = { action: 'notification.send', subjectId: randomUUID(), details: {}, ...audited }
  return api.database.db.transaction().execute((tx) => recordAudit(tx, actor, entry))
}

async function read(query: Record<string, string>): Promise<Page> {
  const answer = await get(api.server.app, `/api/audit?${new URLSearchParams(query).toString()}`, token)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<Page>()
}

test('an entry says who, what and of what; a long list only how long it was', async () => {
  const subjectId = randomUUID()
  const few = Array.from({ length: 20 }, () => randomUUID())
  const many = [...few, randomUUID()]
  const details = { title: 'Coupure', few, audience: { kind: 'users', user_ids: many } }
  await record(anActor(admin.id), { subjectId, details })
  const { items, next_cursor } = await read({ subject_id: subjectId })
  assert.equal(next_cursor, null)
  const [{ actor_id, actor_login, action, details: stored } = assert.fail('no entry')] = items
  assert.deepEqual([actor_id, actor_login, action], [admin.id, admin.login, 'notification.send'])
  assert.deepEqual(stored, { title: 'Coupure', few, audience: { kind: 'users', user_ids: { count: 21 } } })
})

test('every notification that is sent or cancelled is in the log: who, what, to how many, and no word of its data', async () => {
  const { app } = api.server
  const { id: userId } = await aCustomer(api.database.db)
  const sent = await post(
    app,
    '/notifications',
    {
      title: 'Coupure programmée',
      body: 'Demain de 8 h à 14 h.',
      data: { zone: 'Médina' },
      audience: { kind: 'user', user_id: userId },
      priority: 'high',
    },
    token,
  )
  assert.equal(sent.statusCode, 202, sent.body)
  const { id } = sent.json<{ id: string }>()
  const cancelled = await post(app, `/api/notifications/${id}/cancel`, undefined, token)
  assert.ok(cancelled.statusCode < 300, cancelled.body)
  const refusedBody = { title: 'T', body: 'B', audience: { kind: 'user', user_id: randomUUID() }, priority: 'high' }
  assert.equal((await post(app, '/notifications', refusedBody, token)).statusCode, 404)
  const { items } = await read({ subject_id: id })
  assert.deepEqual(
    items.map(({ action, actor_id }) => [action, actor_id]),
    [
      ['notification.cancel', admin.id],
      ['notification.send', admin.id],
    ],
  )
  const { title, priority, audience, recipients } = items[1]?.details ?? {}
  assert.deepEqual(
    { title, priority, audience, recipients },
    { title: 'Coupure programmée', priority: 'high', audience: { kind: 'user', user_id: userId }, recipients: 1 },
  )
  assert.ok(!JSON.stringify(items).match(/Médina|Demain/))
  assert.deepEqual(
    (await read({ action: 'notification.send' })).items.filter(({ details }) => details['title'] === 'T'),
    [],
  )
})

test('what is rolled back was not done, and is not in the log', async () => {
  const actor = anActor()
  const undone = api.database.db.transaction().execute(async (tx) => {
    await recordAudit(tx, actor, { action: 'notification.send', subjectId: null, details: {} })
    throw new Error('refused')
  })
  await assert.rejects(undone, /refused/)
  assert.deepEqual((await read({ actor_id: actor.accountId })).items, [])
})

test('no statement changes or removes an entry', async () => {
  const { db } = api.database
  const actor = anActor()
  await record(actor, { details: { title: 'stays' } })
  const refusal = /never changed/
  await assert.rejects(db.updateTable('audit_entry').set({ action: 'a.b' }).execute(), refusal)
  await assert.rejects(db.deleteFrom('audit_entry').execute(), refusal)
  await assert.rejects(sql`truncate audit_entry`.execute(db), refusal)
  assert.deepEqual(
    (await read({ actor_id: actor.accountId })).items.map(({ details }) => details),
    [{ title: 'stays' }],
  )
})

test('pages go from the newest to the oldest, each entry once, while new ones come in', async () => {
  const actor = anActor()
  for (let number = 1; number <= 5; number += 1) await record(actor, { details: { number } })
  const seen: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Page = await read({
      actor_id: actor.accountId,
      limit: '2',
      ...(cursor === '' ? {} : { cursor }),
    })
    seen.push(...page.items.map(({ details }) => details['number']))
    cursor = page.next_cursor
    await record(actor, { details: { number: 'later' } })
  }
  assert.deepEqual(seen, [5, 4, 3, 2, 1])
})

test('actor, action, subject and time narrow the list', async () => {
  const actor = anActor()
  const subjectId = randomUUID()
  await record(actor, { subjectId })
  await record(actor, { subjectId, action: 'notification.cancel' })
  await record(actor)
  const actor_id = actor.accountId
  const actions = async (query: Record<string, string>): Promise<string[]> =>
    (await read(query)).items.map(({ action }) => action)
  assert.equal((await actions({ actor_id })).length, 3)
  assert.deepEqual(await actions({ subject_id: subjectId }), ['notification.cancel', 'notification.send'])
  assert.deepEqual(await actions({ subject_id: subjectId, action: 'notification.cancel' }), ['notification.cancel'])
  const [newest = assert.fail('no entry')] = (await read({ actor_id })).items
  const next = new Date(Date.parse(newest.at) + 1).toISOString()
  assert.deepEqual(await actions({ actor_id, from: next }), [])
  assert.equal((await actions({ actor_id, to: next })).length, 3)
  assert.ok(!(await read({ actor_id, to: newest.at })).items.some(({ id }) => id === newest.id))
})

test('filters of another form are refused', async () => {
  const cursor = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url')
  const bad = [
    'actor_id=x',
    'action=notification.read',
    'from=yesterday',
    'from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z',
    'limit=0',
    'limit=201',
    'page=2',
    'cursor=x',
    `cursor=${cursor(['2026-03-01', '1'])}`,
    `cursor=${cursor(['2026-03-01T00:00:00.000Z', '-1'])}`,
  ]
  for (const query of bad) {
    assert.equal((await get(api.server.app, `/api/audit?${query}`, token)).statusCode, 400, query)
  }
})
