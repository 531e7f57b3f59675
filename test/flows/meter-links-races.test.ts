import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { type Added, type MeterLinksApi, meterLinksApi, type Typed } from '#test/support/meter-links-api.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer } from '#test/support/factories.ts'

/** Requests at the same moment, on the real PostgreSQL: whichever is first, the rules hold, and none is a deadlock. */

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, sharesOf, confirm, decide, remove, eventsOf } = linkSteps(() => api)

type Customer = Awaited<ReturnType<typeof aCustomer>>

const ROUNDS = 8
const statusesOf = (responses: readonly LightMyRequestResponse[]): number[] =>
  responses.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)

const shareIds = async (owner: { id: string }, meterId: string): Promise<string[]> =>
  (await sharesOf(owner, meterId)).items.map((share) => share.id)

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
  const wrong = code === '000000' ? '000001' : '000000'
  const tried = await Promise.all(Array.from({ length: 12 }, () => confirm(customer, id, wrong)))
  assert.equal(tried.filter((one) => codeOf(one) === 'one-time-codes/wrong-code').length, 5)
  assert.equal(codeOf(await confirm(customer, id, code)), 'one-time-codes/no-live-code')
})

test('a right code given many times at once makes one owner', async () => {
  const customer = await aCustomer(api.db)
  const { id } = (await api.add(customer, api.supply({ phone: customer.phone }))).json<Added>()
  const code = api.sms.codeFor(customer.phone)
  const confirmed = await Promise.all(Array.from({ length: ROUNDS }, () => confirm(customer, id, code)))
  assert.deepEqual(statusesOf(confirmed), [200, ...Array<number>(ROUNDS - 1).fill(422)])
})

test('two whom the utility has for one meter, each with a right code at once: one becomes the owner', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const people = [await aCustomer(api.db), await aCustomer(api.db)] as const
    const typed = api.supply({ phone: people[0].phone })
    api.supply({ number: typed.number, police: typed.police ?? '', phone: people[1].phone })
    const ids = await Promise.all(people.map(async (person) => (await api.add(person, typed)).json<Added>().id))
    assert.equal(ids[0], ids[1])
    const id = ids[0] ?? ''
    const proven = await Promise.all(people.map((person) => confirm(person, id, api.sms.codeFor(person.phone))))
    assert.deepEqual(statusesOf(proven), [200, 409])
    const late = proven[0]?.statusCode === 409 ? 0 : 1
    assert.equal(codeOf(proven[late]!), 'meters/has-owner')
    const owners = (await Promise.all(people.map((person) => metersOf(person)))).flat()
    assert.deepEqual(
      owners.map((meter) => [meter.role, meter.is_default]),
      [['owner', true]],
    )
    const [first, other] = [people[1 - late]!, people[late]!]
    assert.equal((await api.add(other, typed)).json<Added>().awaits, 'owner')
    assert.deepEqual(await eventsOf(first), ['asked'])
  }
})

test('accepted and refused at once: one of them counts, and that is what is told', async () => {
  const { owner, friends, linkIds } = await anAskedMeter(ROUNDS)
  await Promise.all(
    linkIds.map(async (linkId) => {
      assert.deepEqual(
        statusesOf(await Promise.all(['accepted', 'refused'].map((state) => decide(owner, linkId, state)))),
        [204, 409],
      )
    }),
  )
  for (const friend of friends) {
    const events = await eventsOf(friend)
    assert.deepEqual(events, [(await metersOf(friend)).length === 1 ? 'accepted' : 'refused'])
  }
})

test('an owner who accepts and leaves at once leaves nobody with the meter', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { owner, friends, id, linkIds } = await anAskedMeter(2)
    const answers = await Promise.all([
      ...linkIds.map((linkId) => decide(owner, linkId, 'accepted')),
      remove(owner, id),
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
  const accept = ({ owner, linkId }: (typeof meters)[number]) => decide(owner, linkId, 'accepted')
  assert.deepEqual(statusesOf(await Promise.all(meters.map(accept))), Array(ROUNDS).fill(204))
  assert.equal((await metersOf(friend)).filter((meter) => meter.is_default).length, 1)
  const half = meters.slice(0, ROUNDS / 2)
  const answers = await Promise.all([
    ...meters.map(({ id }) => api.call(friend, 'PUT', `/api/meters/${id}/default`)),
    ...half.map(({ id }) => remove(friend, id)),
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
