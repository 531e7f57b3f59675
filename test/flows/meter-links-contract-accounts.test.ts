import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { aCustomer } from '#test/support/factories.ts'
import { type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())

const ask = (caller: { id: string }, of = api): Promise<LightMyRequestResponse> =>
  of.call(caller, 'GET', '/api/meters/contract-accounts')

test('a customer is shown the contract accounts under the own phone, and what each is in the own list', async () => {
  const [customer, other] = [await aCustomer(api.db), await aCustomer(api.db)]
  const numbers = ['710000001', '710000002', '710000003', '710000004']
  api.customers.held.push(
    { phone: customer.phone.slice('+221'.length), accounts: numbers.map((number) => `000${number}`) },
    { phone: other.phone, accounts: ['000799999999'] },
  )
  for (const number of numbers) api.supply({ kind: 'postpaid', number, phone: customer.phone })
  await api.own(customer, { kind: 'postpaid', number: '710000002' })
  await api.own(other, api.supply({ kind: 'postpaid', number: '799999999', phone: other.phone }))
  // A code is sent once a minute.
  api.passTime(60_000)
  const pending = await api.add(customer, { kind: 'postpaid', number: '710000003' })
  api.passTime(60_000)
  const takenBack = await api.add(customer, { kind: 'postpaid', number: '710000004' })
  assert.equal(pending.statusCode, 201)
  const gone = await api.call(customer, 'DELETE', `/api/meters/${takenBack.json<{ id: string }>().id}`)
  assert.equal(gone.statusCode, 204)

  const answer = await ask(customer)
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.deepEqual(answer.json(), {
    items: [
      { number: '710000001', state: null },
      { number: '710000002', state: 'accepted' },
      { number: '710000003', state: 'pending' },
      { number: '710000004', state: null },
    ],
    next_cursor: null,
  })
})

test('nobody known under the phone is an empty list; a source that is away or missing says how to go on', async () => {
  const customer = await aCustomer(api.db)
  assert.deepEqual((await ask(customer)).json(), { items: [], next_cursor: null })
  await using none = await meterLinksApi({ withRegister: false })
  const away = async (): Promise<LightMyRequestResponse> => {
    api.customers.failure = new SourceUnavailable('too_slow')
    return ask(customer)
  }
  for (const refused of [await away(), await ask(await aCustomer(none.db), none)]) {
    assert.equal(refused.statusCode, 503)
    assert.equal(refused.json<{ code: string }>().code, 'meters/customers-unavailable')
    assert.equal(refused.headers['retry-after'], '5')
  }
  api.customers.failure = undefined
})
