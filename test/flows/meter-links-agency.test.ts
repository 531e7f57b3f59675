import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Added, type AgencyLinks, type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, confirm, decide, eventsOf } = linkSteps(() => api)

suite('a meter without an owner', () => {
  test('waits for its agency, whose agents alone see the request, masked, and decide', async () => {
    const [agency, other] = [await anAgency(api.db), await anAgency(api.db)]
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const stranger = { ...(await aStaffMember(api.db, 'agent', other.code)), role: 'agent' as const }
    const [first, second] = [await aCustomer(api.db), await aCustomer(api.db)]
    const typed = api.supply({ agencyName: `AGENCE ${agency.code}` })
    const asked = await api.add(first, typed)
    assert.equal(asked.json<Added>().awaits, 'agency')
    api.passTime(1_000)
    await api.add(second, typed)
    const waiting = async (who: typeof agent) =>
      (await api.call(who, 'GET', '/api/agency/links?limit=1')).json<AgencyLinks>()
    assert.deepEqual((await waiting(stranger)).items, [])
    const page = await waiting(agent)
    const [item] = page.items
    assert.equal(item?.meter.number, typed.number)
    assert.deepEqual(item.user, {
      first_name: 'Awa',
      last_name: 'Ndiaye',
      phone: `+221 77 ••• •• ${first.phone.slice(-2)}`,
    })
    const next = await api.call(agent, 'GET', `/api/agency/links?limit=1&cursor=${page.next_cursor}`)
    assert.equal(next.json<AgencyLinks>().items.length, 1)
    assert.equal(next.json<AgencyLinks>().next_cursor, null)

    assert.equal((await decide(stranger, item.id, 'accepted')).statusCode, 404)
    assert.equal((await decide(agent, item.id, 'accepted')).statusCode, 204)
    assert.equal((await decide(agent, item.id, 'accepted')).statusCode, 204)
    assert.equal(codeOf(await decide(agent, item.id, 'refused')), 'meters/not-in-that-state')
    assert.deepEqual(
      (await metersOf(first)).map(({ role, is_default }) => ({ role, is_default })),
      [{ role: 'shared', is_default: true }],
    )
    assert.deepEqual(await eventsOf(first), ['accepted'])
    const audited = await api.db
      .selectFrom('audit_entry')
      .select(['action', 'subject_id'])
      .where('actor_id', '=', agent.id)
      .orderBy('id')
      .execute()
    assert.deepEqual(audited, [
      { action: 'meter_link.read', subject_id: null },
      { action: 'meter_link.decide', subject_id: item.id },
    ])
  })

  test('the owner who comes later is told how many wait, and from then on decides alone', async () => {
    const agency = await anAgency(api.db)
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
    const typed = api.supply({ phone: owner.phone, agencyName: `AGENCE ${agency.code}` })
    await api.add(friend, typed)
    const [waiting] = (await api.call(agent, 'GET', '/api/agency/links')).json<AgencyLinks>().items
    const id = await api.own(owner, typed)
    assert.deepEqual(
      (await api.told(owner.id)).map(({ event, body }) => [event, body.endsWith(': 1.')]),
      [['waiting', true]],
    )
    assert.deepEqual((await api.call(agent, 'GET', '/api/agency/links')).json<AgencyLinks>().items, [])
    const byAgent = await decide(agent, waiting?.id, 'accepted')
    assert.equal(codeOf(byAgent), 'meters/owner-decides')
    assert.equal((await decide(owner, waiting?.id, 'accepted')).statusCode, 204)
    assert.equal((await metersOf(friend))[0]?.id, id)
  })

  test('the owner who comes later is told whom the agency has let in, and can withdraw it', async () => {
    const agency = await anAgency(api.db)
    const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
    const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
    const typed = api.supply({ phone: owner.phone, agencyName: `AGENCE ${agency.code}` })
    await api.add(friend, typed)
    const [asked] = (await api.call(agent, 'GET', '/api/agency/links')).json<AgencyLinks>().items
    await decide(agent, asked?.id, 'accepted')
    const id = await api.own(owner, typed)
    assert.deepEqual(
      (await api.told(owner.id)).map(({ event, body }) => [event, body.includes(`compteur ${typed.number}\u{a0}: 1.`)]),
      [['followed', true]],
    )
    assert.equal((await metersOf(friend))[0]?.id, id)
    assert.equal((await decide(owner, asked?.id, 'revoked')).statusCode, 204)
    assert.deepEqual(await metersOf(friend), [])
    assert.deepEqual(await eventsOf(friend), ['accepted', 'revoked'])
  })

  test('what the register comes to know of a meter is kept: its agency and its tariff', async () => {
    const agency = await anAgency(api.db)
    const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
    const typed = api.supply({ phone: owner.phone })
    await api.add(friend, typed)
    api.supply({ ...typed, agencyName: `AGENCE ${agency.code}`, tariffCode: 'DMP' })
    await api.own(owner, typed)
    assert.deepEqual(
      (await metersOf(owner)).map((meter) => [meter.agency?.code, meter.tariff_class]),
      [[agency.code, 'DMP']],
    )
  })

  test('somebody who was let in may turn out to be the owner, and sees the meter all along', async () => {
    const agency = await anAgency(api.db)
    const admin = { ...(await aStaffMember(api.db, 'admin')), role: 'admin' as const }
    const customer = await aCustomer(api.db)
    const typed = api.supply({ agencyName: `AGENCE ${agency.code}` })
    const { id } = (await api.add(customer, typed)).json<Added>()
    const mine = (await api.call(admin, 'GET', `/api/meters/${id}/shares`)).json<AgencyLinks>().items[0]
    await decide(admin, mine?.id, 'accepted')
    api.register.prepaid.push({
      ...typed,
      police: typed.police ?? '',
      phone: customer.phone,
      agencyName: null,
      tariffCode: null,
    })
    const claimed = await api.add(customer, typed)
    assert.deepEqual(
      [claimed.statusCode, claimed.json<Added>().state, claimed.json<Added>().awaits],
      [200, 'accepted', 'code'],
    )
    assert.equal((await metersOf(customer))[0]?.role, 'shared')
    const code = api.sms.codeFor(customer.phone)
    assert.equal((await confirm(customer, id, code)).statusCode, 200)
    assert.equal((await metersOf(customer))[0]?.role, 'owner')
  })
})
