import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import {
  type Added,
  type MeterLinksApi,
  meterLinksApi,
  type Meters,
  type Shares,
  type Typed,
} from '#test/support/meter-links-api.ts'
import { aCustomer } from '#test/support/factories.ts'

/** Requests at the same moment, on the real PostgreSQL: whichever is first, the rules hold, and none is a deadlock. */

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())

type Customer = Awaited<ReturnType<typeof aCustomer>>

const ROUNDS = 8
const codeOf = (response: LightMyRequestResponse): string => response.json<{ code: string }>().code
const statusesOf = (responses: readonly LightMyRequestResponse[]): number[] =>
  responses.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)
const metersOf = async (caller: { id: string }): Promise<Meters['items']> =>
  (await api.call(caller, 'GET', '/api/meters')).json<Meters>().items
const shareIds = async (owner: { id: string }, meterId: string): Promise<string[]> =>
  (await api.call(owner, 'GET', `/api/meters/${meterId}/shares`)).json<Shares>().items.map((share) => share.id)

/** Customers who have asked for one meter. */
async function anAskedMeter(friends: number) {
  const owner = await aCustomer(api.db)
  const typed = api.supply({ phone: owner.phone })
  const id = await api.own(owner, typed)
  const asking = await Promise.all(Array.from({ length: friends }, () => aCustomer(api.db)))
  for (const friend of asking) await api.add(friend, typed)
  return { owner, typed, id, friends: asking, linkIds: await shareIds(owner, id) }
}

test('the same meter added many times at once is one meter, one link and one message to its owner', async () => {
  const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
  const typed = api.supply({ phone: owner.phone })
  const asked = await Promise.all(Array.from({ length: ROUNDS }, () => api.add(friend, typed)))
  assert.deepEqual(statusesOf(asked), [...Array<number>(ROUNDS - 1).fill(200), 201])
  const claimed = await Promise.all(Array.from({ length: ROUNDS }, () => api.add(owner, typed)))
  assert.deepEqual(statusesOf(claimed), [201, ...Array<number>(ROUNDS - 1).fill(429)])
  assert.equal(api.sms.sent.filter(({ to }) => to === owner.phone).length, 1)
  assert.equal(new Set([...asked, claimed[0]].map((added) => added?.json<Added>().id)).size <= 2, true)
  const meters = await api.db.selectFrom('meter').select('id').where('number', '=', typed.number).execute()
  assert.equal(meters.length, 1)
})

test('many who ask at once are all put to the owner', async () => {
  const owner = await aCustomer(api.db)
  const typed = api.supply({ phone: owner.phone })
  const id = await api.own(owner, typed)
  const friends = await Promise.all(Array.from({ length: ROUNDS }, () => aCustomer(api.db)))
  assert.deepEqual(
    statusesOf(await Promise.all(friends.map((friend) => api.add(friend, typed)))),
    Array(ROUNDS).fill(201),
  )
  assert.equal((await api.told(owner.id)).length, ROUNDS)
  assert.equal((await shareIds(owner, id)).length, ROUNDS)
})

test('wrong codes at once are counted one by one, and a right one among too many is too late', async () => {
  const customer = await aCustomer(api.db)
  const { id } = (await api.add(customer, api.supply({ phone: customer.phone }))).json<Added>()
  const code = api.sms.codeFor(customer.phone)
  const confirm = (digits: string) => api.call(customer, 'POST', `/api/meters/${id}/ownership`, { code: digits })
  const wrong = code === '000000' ? '000001' : '000000'
  const tried = await Promise.all(Array.from({ length: 12 }, () => confirm(wrong)))
  assert.equal(tried.filter((one) => codeOf(one) === 'one-time-codes/wrong-code').length, 5)
  assert.equal(codeOf(await confirm(code)), 'one-time-codes/no-live-code')
})

test('a right code given many times at once makes one owner', async () => {
  const customer = await aCustomer(api.db)
  const { id } = (await api.add(customer, api.supply({ phone: customer.phone }))).json<Added>()
  const code = api.sms.codeFor(customer.phone)
  const confirmed = await Promise.all(
    Array.from({ length: ROUNDS }, () => api.call(customer, 'POST', `/api/meters/${id}/ownership`, { code })),
  )
  assert.deepEqual(statusesOf(confirmed), [200, ...Array<number>(ROUNDS - 1).fill(422)])
})

test('accepted and refused at once: one of them counts, and that is what is told', async () => {
  const { owner, friends, linkIds } = await anAskedMeter(ROUNDS)
  await Promise.all(
    linkIds.map(async (linkId) => {
      const decide = (state: string) => api.call(owner, 'PUT', `/api/links/${linkId}`, { state })
      assert.deepEqual(statusesOf(await Promise.all([decide('accepted'), decide('refused')])), [204, 409])
    }),
  )
  for (const friend of friends) {
    const events = (await api.told(friend.id)).map(({ event }) => event)
    assert.deepEqual(events, [(await metersOf(friend)).length === 1 ? 'accepted' : 'refused'])
  }
})

test('an owner who accepts and leaves at once leaves nobody with the meter', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { owner, friends, id, linkIds } = await anAskedMeter(2)
    const answers = await Promise.all([
      ...linkIds.map((linkId) => api.call(owner, 'PUT', `/api/links/${linkId}`, { state: 'accepted' })),
      api.call(owner, 'DELETE', `/api/meters/${id}`),
    ])
    for (const { statusCode } of answers) assert.ok([204, 404].includes(statusCode), String(statusCode))
    for (const friend of friends) assert.deepEqual(await metersOf(friend), [])
  }
})

test('several meters accepted, chosen and left at once: one default as long as there is a meter', async () => {
  const friend = await aCustomer(api.db)
  const meters: { owner: Customer; id: string; linkId: string | undefined }[] = []
  for (let count = 0; count < ROUNDS; count += 1) {
    const owner = await aCustomer(api.db)
    const typed = api.supply({ phone: owner.phone })
    const id = await api.own(owner, typed)
    await api.add(friend, typed)
    meters.push({ owner, id, linkId: (await shareIds(owner, id))[0] })
  }
  const accept = ({ owner, linkId }: (typeof meters)[number]) =>
    api.call(owner, 'PUT', `/api/links/${linkId}`, { state: 'accepted' })
  assert.deepEqual(statusesOf(await Promise.all(meters.map(accept))), Array(ROUNDS).fill(204))
  assert.equal((await metersOf(friend)).filter((meter) => meter.is_default).length, 1)
  const half = meters.slice(0, ROUNDS / 2)
  const answers = await Promise.all([
    ...meters.map(({ id }) => api.call(friend, 'PUT', `/api/meters/${id}/default`)),
    ...half.map(({ id }) => api.call(friend, 'DELETE', `/api/meters/${id}`)),
  ])
  for (const { statusCode, body } of answers) assert.ok([204, 404].includes(statusCode), body)
  const left = await metersOf(friend)
  assert.equal(left.length, ROUNDS / 2)
  assert.equal(left.filter((meter) => meter.is_default).length, 1)
})

test('neighbours who ask for each other’s meters at once wait for each other in no ring', async () => {
  const neighbours: { owner: Customer; typed: Typed }[] = []
  for (let count = 0; count < ROUNDS; count += 1) {
    const owner = await aCustomer(api.db)
    const typed = api.supply({ phone: owner.phone })
    await api.own(owner, typed)
    neighbours.push({ owner, typed })
  }
  const asked = await Promise.all(
    neighbours.flatMap(({ owner }) =>
      neighbours.filter((other) => other.owner !== owner).map(({ typed }) => api.add(owner, typed)),
    ),
  )
  assert.deepEqual(statusesOf(asked), Array(ROUNDS * (ROUNDS - 1)).fill(201))
})
