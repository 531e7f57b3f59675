import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { fillCustomers } from '#src/roles/generate/fill.ts'
import { largeTables, planText, problemsOf, readsOf } from '#test/plans/plan.ts'
import { type Recorder, recorderOf } from '#test/plans/recorder.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'
import { type Added, type AgencyLinks, meterLinksApi } from '#test/support/meter-links-api.ts'

const CUSTOMERS = 10_000

test('with thousands of customers, adding and sharing a meter reads no large table from end to end', async () => {
  let recorder: Recorder | undefined
  await using api = await meterLinksApi({ through: (db) => (recorder = recorderOf(db)).db })
  assert.ok(recorder !== undefined)
  const order = { seed: 'links', until: new Date('2026-03-15T10:00:00Z'), pinHash: '-', months: 0 }
  await fillCustomers(api.url, { ...order, customers: CUSTOMERS }, 0, () => {})
  const agency = await anAgency(api.db)
  const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
  const [owner, friend, third] = [await aCustomer(api.db), await aCustomer(api.db), await aCustomer(api.db)]
  const typed = api.supply({ phone: owner.phone, agencyName: `AGENCE ${agency.code}` })

  recorder.take()
  await api.add(friend, typed)
  const waiting = (await api.call(agent, 'GET', '/api/agency/links')).json<AgencyLinks>()
  await api.call(agent, 'PUT', `/api/links/${waiting.items[0]?.id}`, { state: 'accepted' })
  const id = await api.own(owner, typed)
  const { awaits } = (await api.add(third, typed)).json<Added>()
  assert.equal(awaits, 'owner')
  await api.call(third, 'GET', '/api/meters?state=pending')
  await api.call(owner, 'GET', `/api/meters/${id}/shares`)
  await api.call(friend, 'PUT', `/api/meters/${id}/default`)
  await api.call(owner, 'DELETE', `/api/meters/${id}`)
  const statements = recorder.take()
  assert.ok(statements.length > 50, `${statements.length} statements`)

  const client = new pg.Client({ connectionString: api.url })
  await client.connect()
  try {
    await client.query('analyze')
    const large = await largeTables(client)
    for (const table of ['account', 'meter', 'meter_link']) assert.ok(large.has(table), table)
    const used = new Set<string>()
    for (const statement of statements) {
      const reads = await readsOf(client, statement)
      for (const index of reads.indexes) used.add(index)
      const problems = problemsOf(reads, large, undefined)
      assert.deepEqual(problems, [], problems.length === 0 ? '' : await planText(client, statement))
    }
    // Another index, read from end to end, would do as well among so few.
    for (const index of ['meter_link_asked_by', 'meter_link_waiting', 'meter_prepaid_once', 'meter_link_one_default']) {
      assert.ok(used.has(index), `${index} is not among ${[...used].join(', ')}`)
    }
  } finally {
    await client.end()
  }
})
