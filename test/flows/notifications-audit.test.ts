import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { aLink, aMeter, anAgency } from '#test/support/factories.ts'
import { type Caller, manyCustomers, staff } from '#test/support/notification-people.ts'
import { notificationsWorld, toAgency, toAll, toUser, toUsers } from '#test/support/notifications-api.ts'

/** Who sent what, to how many: written with what was sent, or not at all. */

const { api, admin } = await notificationsWorld()
const { db } = api.database
const agency = await anAgency(db)
const agent = await staff(api.database, 'agent', agency.id)
const meter = await aMeter(db, { agencyId: agency.id })
const people = await manyCustomers(api.database, 25)
for (const accountId of people.slice(0, 4)) await aLink(db, { meterId: meter.id, accountId, role: 'shared' })

function entries() {
  return db
    .selectFrom('audit_entry')
    .select(['actor_id', 'actor_role', 'action', 'subject_id', 'details'])
    .orderBy('id')
    .execute()
}

test('every accepted request has one entry that says who sent what to how many', async () => {
  const listed = people.slice(0, 20)
  const requests: [caller: Caller, body: ReturnType<typeof toUser>, recipients: number, audience?: object][] = [
    [agent, toUser(people[0] ?? ''), 1],
    [agent, toAgency(agency.id, { type: 'outage', priority: 'urgent' }), 4],
    [agent, toUser('', { audience: { kind: 'meter', number: meter.number } }), 4],
    [admin, toAll({ send_at: new Date(api.time.now() + 60_000).toISOString() }), 25],
    [admin, toUsers(listed), 20],
    // A list of people that is longer than this is kept as its length.
    [admin, toUsers([...people, people[0] ?? '']), 25, { kind: 'users', user_ids: { count: 26 } }],
  ]
  for (const [caller, body, recipients, audience] of requests) {
    const earlier = await entries()
    const { id } = await api.accepted(caller, { ...body, data: { secret: 'kept out' } })
    const [entry, ...others] = (await entries()).slice(earlier.length)
    assert.deepEqual(others, [])
    const { title, priority, ...asked } = { type: 'general', ...body }
    assert.deepEqual(entry, {
      actor_id: caller.id,
      actor_role: caller.role,
      action: 'notification.send',
      subject_id: id,
      details: {
        title,
        priority,
        type: asked.type,
        audience: audience ?? asked.audience,
        recipients,
        ...('send_at' in asked ? { send_at: asked.send_at } : {}),
      },
    })
  }
})

test('what is refused has none, and what is answered from its key has no second', async () => {
  const [first = ''] = people
  const written = (await entries()).length
  const refused: [Caller, object][] = [
    [agent, toAll()],
    [agent, toUser(people[9] ?? '')],
    [agent, toAgency(crypto.randomUUID())],
    [admin, toUser(first, { body: '⚡'.repeat(2_000) })],
    [admin, toUser(first, { expires_at: '2020-01-01T00:00:00Z' })],
    [admin, toUser(first, { title: '' })],
    [{ id: first, role: 'customer' }, toUser(first)],
  ]
  for (const [caller, body] of refused) assert.ok((await api.send(caller, body)).statusCode >= 400)
  assert.equal((await entries()).length, written)

  const headers = { 'idempotency-key': crypto.randomUUID() }
  const { id } = await api.accepted(admin, toUser(first), headers)
  assert.equal((await api.accepted(admin, toUser(first), headers)).id, id)
  assert.equal((await api.send(admin, toUser(first, { title: 'other' }), headers)).statusCode, 422)
  const many = await Promise.all(Array.from({ length: 5 }, () => api.send(admin, toUser(first), headers)))
  assert.ok(many.every(({ statusCode }) => statusCode === 202 || statusCode === 409))
  assert.deepEqual(
    (await entries()).slice(written).map((entry) => entry.subject_id),
    [id],
  )
})

test('an entry that cannot be written is a notification that is not accepted', async () => {
  const [first = ''] = people
  const stored = () => db.selectFrom('notification').select('id').execute()
  const earlier = await stored()
  const body = toUser(first, { title: 'Nobody wrote it down' })
  await sql`alter table audit_entry add constraint is_full check (details ->> 'title' <> ${sql.lit(body.title)})`.execute(
    db,
  )
  assert.equal((await api.send(admin, body)).statusCode, 500)
  assert.deepEqual(await stored(), earlier)
  assert.equal((await api.send(admin, toUser(first))).statusCode, 202)
})
