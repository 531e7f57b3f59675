import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import {
  type Added,
  type MeterLinksApi,
  meterLinksApi,
  type Meters,
  type Shares,
} from '#test/support/meter-links-api.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())

type Customer = Awaited<ReturnType<typeof aCustomer>>

const DAY_MS = 24 * 3_600_000
const codeOf = (response: LightMyRequestResponse): string => response.json<{ code: string }>().code
const metersOf = async (caller: { id: string }): Promise<Meters['items']> =>
  (await api.call(caller, 'GET', '/api/meters')).json<Meters>().items
const sharesOf = async (caller: { id: string }, meterId: string, query = ''): Promise<Shares> =>
  (await api.call(caller, 'GET', `/api/meters/${meterId}/shares${query}`)).json<Shares>()
const decide = (caller: { id: string }, linkId: string | undefined, state: string) =>
  api.call(caller, 'PUT', `/api/links/${linkId}`, { state })
const remove = (caller: { id: string }, meterId: string) => api.call(caller, 'DELETE', `/api/meters/${meterId}`)
const eventsOf = async ({ id }: { id: string }): Promise<(string | undefined)[]> =>
  (await api.told(id)).map(({ event }) => event)

/** A meter with its owner, and a friend who has asked for it. */
async function anAskedMeter() {
  const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
  const typed = api.supply({ phone: owner.phone })
  const id = await api.own(owner, typed)
  const asked = await api.add(friend, typed)
  assert.equal(asked.statusCode, 201, asked.body)
  const [share] = (await sharesOf(owner, id)).items
  assert.ok(share !== undefined)
  return { owner, friend, typed, id, asked, linkId: share.id }
}

/** And accepted. */
async function aSharedMeter() {
  const meter = await anAskedMeter()
  assert.equal((await decide(meter.owner, meter.linkId, 'accepted')).statusCode, 204)
  return meter
}

suite('somebody else asks to see a meter', () => {
  test('the owner is asked, by name and masked phone; who asks learns nothing of the owner', async () => {
    const kicks = api.kicks()
    const { owner, friend, typed, asked, id } = await anAskedMeter()
    assert.ok(api.kicks() > kicks, 'the outbox is published')
    const { code, ...answer } = asked.json<Added>()
    assert.equal(code, null)
    const expected = { id, number: typed.number, kind: 'prepaid', role: 'shared', state: 'pending', awaits: 'owner' }
    assert.deepEqual(answer, expected)
    const pending = await api.call(friend, 'GET', '/api/meters?state=pending')
    for (const { body } of [asked, pending]) {
      assert.doesNotMatch(body, new RegExp(`Ndiaye|${owner.phone.slice(-7)}|${owner.id}`))
    }
    const [share] = (await sharesOf(owner, id)).items
    const masked = `+221 77 ••• •• ${friend.phone.slice(-2)}`
    assert.deepEqual(share?.user, { first_name: 'Awa', last_name: 'Ndiaye', phone: masked })
    const [told] = await api.told(owner.id)
    assert.equal(told?.event, 'asked')
    assert.equal(
      told.body,
      `Awa Ndiaye (${masked}) demande à suivre le compteur ${typed.number}. Acceptez ou refusez dans les partages du compteur.`,
    )
    assert.doesNotMatch(
      (await api.call(owner, 'GET', `/api/meters/${id}/shares`)).body,
      new RegExp(friend.phone.slice(5)),
    )
  })

  test('asking twice is asking once', async () => {
    const { owner, friend, typed } = await anAskedMeter()
    assert.equal((await api.add(friend, typed)).statusCode, 200)
    assert.deepEqual(await eventsOf(owner), ['asked'])
  })

  test('a pending request shows nothing of the meter', async () => {
    const { friend, id } = await anAskedMeter()
    for (const url of [`/api/meters/${id}/purchases`, `/api/meters/${id}/shares`]) {
      assert.equal((await api.call(friend, 'GET', url)).statusCode, 404, url)
    }
    assert.equal((await api.call(friend, 'PUT', `/api/meters/${id}/default`)).statusCode, 404)
    const consumption = await api.call(friend, 'GET', `/api/consumption/${friend.id}`)
    assert.deepEqual(consumption.json<{ meters: unknown[] }>().meters, [])
  })

  test('nobody but the owner decides, not even who asked or who sees it', async () => {
    const { friend, linkId, id, owner } = await anAskedMeter()
    for (const caller of [friend, await aCustomer(api.db)]) {
      assert.equal((await decide(caller, linkId, 'accepted')).statusCode, 404)
    }
    await decide(owner, linkId, 'accepted')
    assert.equal((await decide(friend, linkId, 'revoked')).statusCode, 404)
    assert.equal((await api.call(friend, 'GET', `/api/meters/${id}/shares`)).statusCode, 404)
  })

  test('refused: told so, sees nothing, and asks again after a day', async () => {
    const { owner, friend, typed, linkId } = await anAskedMeter()
    assert.equal((await decide(owner, linkId, 'refused')).statusCode, 204)
    assert.deepEqual(await eventsOf(friend), ['refused'])
    assert.deepEqual(await metersOf(friend), [])
    assert.equal(codeOf(await decide(owner, linkId, 'accepted')), 'meters/not-in-that-state')
    api.passTime(DAY_MS - 1_000)
    const tooSoon = await api.add(friend, typed)
    assert.equal(codeOf(tooSoon), 'meters/asked-too-soon')
    assert.equal(tooSoon.headers['retry-after'], '1')
    api.passTime(1_000)
    assert.equal((await api.add(friend, typed)).statusCode, 201)
    assert.deepEqual(await eventsOf(owner), ['asked', 'asked'])
    assert.equal((await decide(owner, linkId, 'accepted')).statusCode, 204)
    assert.deepEqual(await eventsOf(friend), ['refused', 'accepted'])
  })

  test('a request that is taken back is gone, and the owner is not called for it', async () => {
    const { owner, friend, id, linkId } = await anAskedMeter()
    assert.equal((await remove(friend, id)).statusCode, 204)
    assert.equal((await remove(friend, id)).statusCode, 404)
    assert.deepEqual((await sharesOf(owner, id)).items, [])
    assert.equal(codeOf(await decide(owner, linkId, 'accepted')), 'meters/not-in-that-state')
    assert.deepEqual(await eventsOf(owner), ['asked'])
  })

  test('each is told in their own language, and under a name of bounded length', async () => {
    const { owner, friend, typed, id, linkId } = await anAskedMeter()
    await api.db.updateTable('account').set({ language: 'en' }).where('id', 'in', [owner.id, friend.id]).execute()
    await decide(owner, linkId, 'accepted')
    assert.equal((await api.told(friend.id)).at(-1)?.body, `You can follow meter ${typed.number}.`)
    const longName = { first_name: '😀'.repeat(3_000), last_name: '' }
    await api.db.updateTable('account').set(longName).where('id', '=', friend.id).execute()
    await remove(friend, id)
    const { body = '' } = (await api.told(owner.id)).at(-1) ?? {}
    assert.match(body, /^😀{80} \(\+221 77 ••• •• \d\d\) no longer follows meter/u)
  })
})

suite('a shared meter', () => {
  test('is seen at once, and no longer at once: a kept answer never outlives the change', async () => {
    const { owner, friend, typed, id, linkId } = await anAskedMeter()
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
    const { owner, friend, id, linkId } = await aSharedMeter()
    assert.equal((await decide(owner, linkId, 'revoked')).statusCode, 204)
    assert.deepEqual(await eventsOf(friend), ['accepted', 'revoked'])
    assert.deepEqual(await metersOf(friend), [])
    assert.equal((await api.call(friend, 'GET', `/api/meters/${id}/purchases`)).statusCode, 404)
    assert.deepEqual((await sharesOf(owner, id)).items, [])
    const [ended] = (await sharesOf(owner, id, '?state=revoked')).items
    assert.equal(ended?.id, linkId)
  })

  test('who gives a share up leaves; the owner is told', async () => {
    const { owner, friend, id } = await aSharedMeter()
    assert.equal((await remove(friend, id)).statusCode, 204)
    assert.deepEqual(await eventsOf(owner), ['asked', 'left'])
    assert.deepEqual(await metersOf(friend), [])
    assert.equal((await metersOf(owner)).length, 1)
  })

  test('with the owner go the shares; requests go on waiting, and the next owner is told of them', async () => {
    const { owner, friend, typed, id } = await aSharedMeter()
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
    const { owner, id } = await aSharedMeter()
    const link = await api.db
      .selectFrom('meter_link')
      .select('id')
      .where('meter_id', '=', id)
      .where('account_id', '=', owner.id)
      .executeTakeFirstOrThrow()
    assert.equal(codeOf(await decide(owner, link.id, 'revoked')), 'meters/not-a-share')
    assert.ok((await sharesOf(owner, id)).items.every((share) => share.id !== link.id))
  })

  test('an admin removes an owner who is none any more, but decides on no share in the owner’s place', async () => {
    const agency = await anAgency(api.db)
    const admin = { ...(await aStaffMember(api.db, 'admin')), role: 'admin' as const }
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const { owner, friend, linkId, id } = await aSharedMeter()
    await api.db.updateTable('meter').set({ agency_id: agency.id }).where('id', '=', id).execute()
    const own = await api.db
      .selectFrom('meter_link')
      .select('id')
      .where('meter_id', '=', id)
      .where('account_id', '=', owner.id)
      .executeTakeFirstOrThrow()
    assert.equal(
      codeOf(await api.call(agent, 'PUT', `/api/links/${own.id}`, { state: 'revoked' })),
      'meters/not-a-share',
    )
    assert.equal(
      codeOf(await api.call(admin, 'PUT', `/api/links/${linkId}`, { state: 'revoked' })),
      'meters/owner-decides',
    )
    assert.equal((await api.call(admin, 'PUT', `/api/links/${own.id}`, { state: 'revoked' })).statusCode, 204)
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
    for (const bad of ['?cursor=x', '?state=none', '?limit=0']) {
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
