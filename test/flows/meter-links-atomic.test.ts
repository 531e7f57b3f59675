import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { sql } from 'kysely'
import { type Added, type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { anAskedMeter, aSharedMeter } from '#test/support/asked-meter.ts'
import { linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

/** Each step is one transaction: where its last statement fails, nothing of it is left. */

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
  await sql`create function fail() returns trigger language plpgsql as 'begin raise exception ''no''; end'`.execute(
    api.db,
  )
})
after(() => api[Symbol.asyncDispose]())
const { confirm, decide, remove, linkIdOf } = linkSteps(() => api)

const TABLES = [
  'meter',
  'meter_link',
  'one_time_code',
  'notification',
  'notification_recipient',
  'outbox',
  'audit_entry',
]

async function everything(): Promise<string> {
  const rows = await Promise.all(
    TABLES.map((table) =>
      sql`select to_jsonb(t) as row from ${sql.table(table)} t order by to_jsonb(t)`.execute(api.db),
    ),
  )
  return JSON.stringify(rows.map((found) => found.rows))
}

/** Fails, leaves everything as it was, and goes through once the table takes rows again. */
async function isAllOrNothing(table: string, step: () => Promise<LightMyRequestResponse>): Promise<void> {
  const was = await everything()
  await sql`create trigger fails before insert or update on ${sql.table(table)} execute function fail()`.execute(api.db)
  const failed = await step()
  await sql`drop trigger fails on ${sql.table(table)}`.execute(api.db)
  assert.equal(failed.statusCode, 500, failed.body)
  assert.equal(await everything(), was)
  const done = await step()
  assert.ok(done.statusCode < 300, done.body)
  assert.notEqual(await everything(), was)
}

test('a meter that is claimed: itself, its link and its code', async () => {
  const owner = await aCustomer(api.db)
  const typed = api.supply({ phone: owner.phone })
  await isAllOrNothing('one_time_code', () => api.add(owner, typed))
})

test('ownership that is proven: the code, the link and what waits for the owner', async () => {
  const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
  const typed = api.supply({ phone: owner.phone })
  await api.add(friend, typed)
  const { id } = (await api.add(owner, typed)).json<Added>()
  await isAllOrNothing('outbox', () => confirm(owner, id, api.sms.codeFor(owner.phone)))
})

test('a request, and the word of it to the owner', async () => {
  const owner = await aCustomer(api.db)
  const typed = api.supply({ phone: owner.phone })
  await api.own(owner, typed)
  const friend = await aCustomer(api.db)
  await isAllOrNothing('outbox', () => api.add(friend, typed))
})

for (const decision of ['accepted', 'refused'] as const) {
  test(`a request that is ${decision}, and the word of it to who asked`, async () => {
    const { owner, linkId } = await anAskedMeter(api)
    await isAllOrNothing('outbox', () => decide(owner, linkId, decision))
  })
}

test('a decision of the agency, and the audit of it', async () => {
  const agency = await anAgency(api.db)
  const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
  const typed = api.supply({ agencyName: `AGENCE ${agency.code}` })
  const friend = await aCustomer(api.db)
  const { id } = (await api.add(friend, typed)).json<Added>()
  const linkId = await linkIdOf(friend, id)
  await isAllOrNothing('outbox', () => decide(agent, linkId, 'accepted'))
})

test('an owner who leaves, the shares and the words of it', async () => {
  const { owner, id } = await aSharedMeter(api)
  await isAllOrNothing('outbox', () => remove(owner, id))
})

test('a share that is given up, and the word of it to the owner', async () => {
  const { friend, id } = await aSharedMeter(api)
  await isAllOrNothing('outbox', () => remove(friend, id))
})

test('another default: the one before and the one after', async () => {
  const customer = await aCustomer(api.db)
  await api.own(customer, api.supply({ phone: customer.phone }))
  api.passTime(60_000)
  const id = await api.own(customer, api.supply({ phone: customer.phone }))
  const was = await everything()
  await sql`create trigger fails before update on meter_link
    for each row when (new.is_default) execute function fail()`.execute(api.db)
  assert.equal((await api.call(customer, 'PUT', `/api/meters/${id}/default`)).statusCode, 500)
  await sql`drop trigger fails on meter_link`.execute(api.db)
  assert.equal(await everything(), was)
})
