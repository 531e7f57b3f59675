import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Static } from 'typebox'
import type { MetersAnswer } from '#src/modules/meters/schemas.ts'
import { type Caller, type ConsumptionApi, consumptionApi } from '#test/support/consumption-api.ts'
import { aCustomer, aLink, aMeter, anAgency, aStaffMember } from '#test/support/factories.ts'

type Page = Static<typeof MetersAnswer>

let api: ConsumptionApi
before(async () => {
  api = await consumptionApi()
})
after(() => api[Symbol.asyncDispose]())

const list = async (caller: Caller, query = ''): Promise<Page> => {
  const response = await api.get(caller, `/api/meters${query}`)
  assert.equal(response.statusCode, 200, response.body)
  assert.equal(response.headers['cache-control'], 'no-store')
  return response.json<Page>()
}

test('own meters and shared ones, with their agency and who shared them', async () => {
  const agency = await anAgency(api.db)
  const [customer, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
  const own = await aMeter(api.db, { agencyId: agency.id })
  const shared = await aMeter(api.db, { kind: 'postpaid' })
  await aLink(api.db, { meterId: own.id, accountId: customer.id })
  await aLink(api.db, { meterId: shared.id, accountId: friend.id })
  await aLink(api.db, { meterId: shared.id, accountId: customer.id, role: 'shared' })
  await api.db.updateTable('meter_link').set({ is_default: true }).where('meter_id', '=', own.id).execute()
  const facts = { tariff_class: 'DPP', phase: 'single' }
  assert.deepEqual(await list(customer), {
    items: [
      {
        id: own.id,
        number: own.number,
        kind: 'prepaid',
        role: 'owner',
        state: 'accepted',
        awaits: null,
        is_default: true,
        ...facts,
        agency: { code: agency.code, name: `Agence ${agency.code}` },
        shared_by: null,
      },
      {
        id: shared.id,
        number: shared.number,
        kind: 'postpaid',
        role: 'shared',
        state: 'accepted',
        awaits: null,
        is_default: false,
        ...facts,
        agency: null,
        shared_by: { first_name: 'Awa', last_name: 'Ndiaye' },
      },
    ],
    next_cursor: null,
  })
})

test('a link that is not accepted shows nothing, and whom nobody linked sees nothing', async () => {
  const customer = await aCustomer(api.db)
  for (const state of ['pending', 'refused', 'revoked'] as const) {
    const meter = await aMeter(api.db)
    await aLink(api.db, { meterId: meter.id, accountId: customer.id, role: 'shared', state })
  }
  assert.deepEqual(await list(customer), { items: [], next_cursor: null })
  const agency = await anAgency(api.db)
  const agent = await aStaffMember(api.db, 'agent', agency.code)
  await aMeter(api.db, { agencyId: agency.id })
  assert.deepEqual(await list({ id: agent.id, role: 'agent' }), { items: [], next_cursor: null })
})

test('pages hold every meter once, also those linked in the same moment', async () => {
  const customer = await aCustomer(api.db)
  const ids: string[] = []
  await api.db.transaction().execute(async (tx) => {
    // One transaction has one now(): all of these links are equally old.
    for (let count = 0; count < 5; count += 1) {
      const { id } = await aMeter(tx)
      await aLink(tx, { meterId: id, accountId: customer.id })
      ids.push(id)
    }
  })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: Page = await list(customer, cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`)
    assert.ok(page.items.length <= 2)
    seen.push(...page.items.map((item) => item.id))
    cursor = page.next_cursor
  } while (cursor !== null)
  assert.deepEqual(seen, ids.toSorted())
})

const linkedAt = (moment: string): string =>
  `?cursor=${Buffer.from(JSON.stringify([moment, crypto.randomUUID()])).toString('base64url')}`

for (const query of [
  '?cursor=x',
  '?cursor=WyJhIiwiYiJd',
  linkedAt('2026-02-30T10:00:00.000000Z'),
  linkedAt('0000-01-01T10:00:00.000000Z'),
  '?limit=0',
  '?limit=101',
  '?page=2',
]) {
  test(`refused: ${query}`, async () => {
    const customer = await aCustomer(api.db)
    assert.equal((await api.get(customer, `/api/meters${query}`)).statusCode, 400)
  })
}
