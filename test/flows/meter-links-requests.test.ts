import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Added, type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { anAskedMeter } from '#test/support/asked-meter.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, sharesOf, decide, remove, eventsOf } = linkSteps(() => api)

const DAY_MS = 24 * 3_600_000

suite('somebody else asks to see a meter', () => {
  test('the owner is asked, by name and masked phone; who asks learns nothing of the owner', async () => {
    const kicks = api.kicks()
    const { owner, friend, typed, asked, id } = await anAskedMeter(api)
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
    const { owner, friend, typed } = await anAskedMeter(api)
    assert.equal((await api.add(friend, typed)).statusCode, 200)
    assert.deepEqual(await eventsOf(owner), ['asked'])
  })

  test('a pending request shows nothing of the meter', async () => {
    const { friend, id } = await anAskedMeter(api)
    for (const url of [`/api/meters/${id}/purchases`, `/api/meters/${id}/shares`]) {
      assert.equal((await api.call(friend, 'GET', url)).statusCode, 404, url)
    }
    assert.equal((await api.call(friend, 'PUT', `/api/meters/${id}/default`)).statusCode, 404)
    const consumption = await api.call(friend, 'GET', `/api/consumption/${friend.id}`)
    assert.deepEqual(consumption.json<{ meters: unknown[] }>().meters, [])
  })

  test('nobody but the owner decides, not even who asked or who sees it', async () => {
    const { friend, linkId, id, owner } = await anAskedMeter(api)
    for (const caller of [friend, await aCustomer(api.db)]) {
      assert.equal((await decide(caller, linkId, 'accepted')).statusCode, 404)
    }
    await decide(owner, linkId, 'accepted')
    assert.equal((await decide(friend, linkId, 'revoked')).statusCode, 404)
    assert.equal((await api.call(friend, 'GET', `/api/meters/${id}/shares`)).statusCode, 404)
  })

  test('refused: told so, sees nothing, and asks again after a day', async () => {
    const { owner, friend, typed, linkId } = await anAskedMeter(api)
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
    const { owner, friend, id, linkId } = await anAskedMeter(api)
    assert.equal((await remove(friend, id)).statusCode, 204)
    assert.equal((await remove(friend, id)).statusCode, 404)
    assert.deepEqual((await sharesOf(owner, id)).items, [])
    assert.equal(codeOf(await decide(owner, linkId, 'accepted')), 'meters/not-in-that-state')
    assert.deepEqual(await eventsOf(owner), ['asked'])
  })

  test('each is told in their own language, and under a name of bounded length', async () => {
    const { owner, friend, typed, id, linkId } = await anAskedMeter(api)
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
