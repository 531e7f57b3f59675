import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { anAskedMeter, aSharedMeter } from '#test/support/asked-meter.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, sharesOf, decide, remove, linkIdOf, eventsOf } = linkSteps(() => api)

type Customer = Awaited<ReturnType<typeof aCustomer>>

const DAY_MS = 24 * 3_600_000

suite('a shared meter', () => {
  test('is seen at once, and no longer at once: a kept answer never outlives the change', async () => {
    const { owner, friend, typed, id, linkId } = await anAskedMeter(api)
    const seen = async (who: Customer): Promise<[string, number]> => {
      const read = await api.call(who, 'GET', `/api/consumption/${who.id}`)
      assert.equal(read.statusCode, 200, read.body)
      return [String(read.headers['x-cache']), read.json<{ meters: unknown[] }>().meters.length]
    }
    const becomes = async (who: Customer, meters: number): Promise<void> => {
      assert.deepEqual(
        [await seen(who), await seen(who)],
        [
          ['MISS', meters],
          ['HIT', meters],
        ],
      )
    }
    await becomes(friend, 0)
    await decide(owner, linkId, 'accepted')
    await becomes(friend, 1)
    await decide(owner, linkId, 'revoked')
    await becomes(friend, 0)
    api.passTime(DAY_MS)
    await api.add(friend, typed)
    await decide(owner, linkId, 'accepted')
    await becomes(friend, 1)
    await becomes(owner, 1)
    await remove(owner, id)
    await becomes(owner, 0)
    await becomes(friend, 0)
  })

  test('the owner withdraws a share: who had it is told, and keeps it no longer', async () => {
    const { owner, friend, id, linkId } = await aSharedMeter(api)
    assert.equal((await decide(owner, linkId, 'revoked')).statusCode, 204)
    assert.deepEqual(await eventsOf(friend), ['accepted', 'revoked'])
    assert.deepEqual(await metersOf(friend), [])
    assert.equal((await api.call(friend, 'GET', `/api/meters/${id}/purchases`)).statusCode, 404)
    assert.deepEqual((await sharesOf(owner, id)).items, [])
    const [ended] = (await sharesOf(owner, id, '?state=revoked')).items
    assert.equal(ended?.id, linkId)
  })

  test('who gives a share up leaves; the owner is told', async () => {
    const { owner, friend, id } = await aSharedMeter(api)
    assert.equal((await remove(friend, id)).statusCode, 204)
    assert.deepEqual(await eventsOf(owner), ['asked', 'left'])
    assert.deepEqual(await metersOf(friend), [])
    assert.equal((await metersOf(owner)).length, 1)
  })

  test('with the owner go the shares; requests go on waiting, and the next owner is told of them', async () => {
    const { owner, friend, typed, id } = await aSharedMeter(api)
    const third = await aCustomer(api.db)
    await api.add(third, typed)
    assert.equal((await remove(owner, id)).statusCode, 204)
    assert.deepEqual(await eventsOf(friend), ['accepted', 'revoked'])
    assert.deepEqual(await metersOf(friend), [])
    api.passTime(60_000)
    assert.equal(await api.own(owner, typed), id)
    assert.deepEqual(await eventsOf(owner), ['asked', 'asked', 'waiting'])
    assert.equal((await sharesOf(owner, id)).items.length, 1)
  })

  test('the owner’s own link is no share: it is not listed, and not decided on', async () => {
    const { owner, id } = await aSharedMeter(api)
    const ownLinkId = await linkIdOf(owner, id)
    assert.equal(codeOf(await decide(owner, ownLinkId, 'revoked')), 'meters/not-a-share')
    assert.ok((await sharesOf(owner, id)).items.every((share) => share.id !== ownLinkId))
  })

  test('an admin removes an owner who is none any more, but decides on no share in the owner’s place', async () => {
    const agency = await anAgency(api.db)
    const admin = { ...(await aStaffMember(api.db, 'admin')), role: 'admin' as const }
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const { owner, friend, linkId, id } = await aSharedMeter(api)
    await api.db.updateTable('meter').set({ agency_id: agency.id }).where('id', '=', id).execute()
    const ownLinkId = await linkIdOf(owner, id)
    assert.equal(codeOf(await decide(agent, ownLinkId, 'revoked')), 'meters/not-a-share')
    assert.equal(codeOf(await decide(admin, linkId, 'revoked')), 'meters/owner-decides')
    assert.equal((await decide(admin, ownLinkId, 'revoked')).statusCode, 204)
    assert.deepEqual([await metersOf(owner), await metersOf(friend)], [[], []])
    assert.deepEqual((await eventsOf(owner)).at(-1), 'disowned')
    assert.deepEqual((await eventsOf(friend)).at(-1), 'revoked')
  })

  test('shares come in pages, the oldest request first', async () => {
    const owner = await aCustomer(api.db)
    const typed = api.supply({ phone: owner.phone })
    const id = await api.own(owner, typed)
    for (let count = 0; count < 5; count += 1) await api.add(await aCustomer(api.db), typed)
    const all = (await sharesOf(owner, id)).items
    assert.equal(all.length, 5)
    const seen: string[] = []
    let query = '?limit=2'
    for (;;) {
      const page = await sharesOf(owner, id, query)
      seen.push(...page.items.map((share) => share.id))
      if (page.next_cursor === null) break
      query = `?limit=2&cursor=${page.next_cursor}`
    }
    assert.deepEqual(
      seen,
      all.map((share) => share.id),
    )
    const longAgo = Buffer.from(JSON.stringify(['-271821-04-20T00:00:00.000Z', id])).toString('base64url')
    for (const bad of ['?cursor=x', `?cursor=${longAgo}`, '?state=none', '?limit=0']) {
      assert.equal((await api.call(owner, 'GET', `/api/meters/${id}/shares${bad}`)).statusCode, 400, bad)
    }
  })
})

suite('the default meter', () => {
  const defaultOf = async (who: { id: string }): Promise<string[]> =>
    (await metersOf(who)).filter((meter) => meter.is_default).map((meter) => meter.id)

  test('is the first one, until another is chosen; when it goes, the oldest that is left takes over', async () => {
    const customer = await aCustomer(api.db)
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) {
      api.passTime(120_000)
      ids.push(await api.own(customer, api.supply({ phone: customer.phone })))
    }
    const [first = '', second = '', third = ''] = ids
    assert.deepEqual(await defaultOf(customer), [first])
    const choose = (id: string) => api.call(customer, 'PUT', `/api/meters/${id}/default`)
    assert.equal((await choose(third)).statusCode, 204)
    assert.equal((await choose(third)).statusCode, 204)
    assert.deepEqual(await defaultOf(customer), [third])
    await remove(customer, third)
    assert.deepEqual(await defaultOf(customer), [first])
    await remove(customer, second)
    assert.deepEqual(await defaultOf(customer), [first])
    await remove(customer, first)
    assert.deepEqual(await metersOf(customer), [])
  })
})
