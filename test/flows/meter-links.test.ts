import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import {
  type Added,
  type AgencyLinks,
  type MeterLinksApi,
  meterLinksApi,
  type Meters,
} from '#test/support/meter-links-api.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())

const codeOf = (response: LightMyRequestResponse): string => response.json<{ code: string }>().code
const metersOf = async (caller: { id: string }, query = ''): Promise<Meters['items']> =>
  (await api.call(caller, 'GET', `/api/meters${query}`)).json<Meters>().items
/** As a source without a country code writes it. */
const national = (phone: string): string => phone.slice('+221'.length).replace(/(..)(...)(..)(..)/, '$1 $2 $3 $4')

suite('the holder of the phone that the utility has', () => {
  test('becomes the owner by the code that is sent to it, and the meter is the default one', async () => {
    const customer = await aCustomer(api.db)
    const agency = await anAgency(api.db)
    const agencyName = `  agence ${agency.code.toLowerCase()}`
    const typed = api.supply({ phone: national(customer.phone), agencyName, tariffCode: 'ppp' })
    const added = await api.add(customer, typed)
    assert.equal(added.statusCode, 201, added.body)
    const { id, code, ...rest } = added.json<Added>()
    assert.deepEqual(rest, { number: typed.number, kind: 'prepaid', role: 'owner', state: 'pending', awaits: 'code' })
    assert.equal(code?.sent_to, `+221 77 ••• •• ${customer.phone.slice(-2)}`)
    assert.deepEqual(await metersOf(customer), [])
    const [pending] = await metersOf(customer, '?state=pending')
    assert.deepEqual([pending?.id, pending?.awaits, pending?.agency, pending?.tariff_class], [id, 'code', null, null])

    const digits = api.sms.codeFor(customer.phone)
    assert.doesNotMatch(added.body + api.log.text(), new RegExp(digits))
    const confirmed = await api.call(customer, 'POST', `/api/meters/${id}/ownership`, { code: digits })
    assert.equal(confirmed.statusCode, 200, confirmed.body)
    assert.deepEqual(confirmed.json(), { id, ...rest, state: 'accepted', awaits: null, code: null })
    const [own] = await metersOf(customer)
    assert.deepEqual(
      [own?.role, own?.is_default, own?.tariff_class, own?.agency?.code],
      ['owner', true, 'PPP', agency.code],
    )
    assert.deepEqual(await metersOf(customer, '?state=pending'), [])
  })

  test('a contract account is found as it is printed, with zeros and spaces', async () => {
    const customer = await aCustomer(api.db)
    const { number } = api.supply({ kind: 'postpaid', phone: customer.phone.slice(1) })
    const id = await api.own(customer, { kind: 'postpaid', number: `0${number.slice(0, 4)} ${number.slice(4)}` })
    assert.deepEqual(
      (await metersOf(customer)).map((meter) => [meter.id, meter.number]),
      [[id, number]],
    )
  })

  test('a code serves once, five tries, ten minutes, and only the newest counts', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    const { id } = (await api.add(customer, typed)).json<Added>()
    const confirm = (code: string) => api.call(customer, 'POST', `/api/meters/${id}/ownership`, { code })
    const first = api.sms.codeFor(customer.phone)
    const wrong = first === '000000' ? '000001' : '000000'
    for (const left of [4, 3, 2, 1, 0]) {
      const tried = await confirm(wrong)
      assert.equal(codeOf(tried), 'one-time-codes/wrong-code')
      assert.equal(tried.json<{ tries_left: number }>().tries_left, left)
    }
    assert.equal(codeOf(await confirm(first)), 'one-time-codes/no-live-code')

    api.passTime(60_000)
    assert.equal((await api.add(customer, typed)).statusCode, 200)
    const second = api.sms.codeFor(customer.phone)
    api.passTime(60_000)
    await api.add(customer, typed)
    const third = api.sms.codeFor(customer.phone)
    if (second !== third) assert.equal(codeOf(await confirm(second)), 'one-time-codes/wrong-code')
    api.passTime(10 * 60_000)
    assert.equal(codeOf(await confirm(third)), 'one-time-codes/no-live-code')

    await api.add(customer, typed)
    assert.equal((await confirm(api.sms.codeFor(customer.phone))).statusCode, 200)
    assert.equal(codeOf(await confirm(api.sms.codeFor(customer.phone))), 'one-time-codes/no-live-code')
  })

  test('another code comes after a minute, and the answer says when', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    await api.add(customer, typed)
    const again = await api.add(customer, typed)
    assert.equal(again.statusCode, 429)
    assert.equal(codeOf(again), 'one-time-codes/too-many')
    assert.equal(again.headers['retry-after'], '60')
    api.passTime(60_000)
    assert.equal((await api.add(customer, typed)).statusCode, 200)
  })

  test('a code that did not leave does not count, and the step can be tried again', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    api.sms.isFailing = true
    const failed = await api.add(customer, typed)
    api.sms.isFailing = false
    assert.equal(failed.statusCode, 503)
    assert.equal(codeOf(failed), 'one-time-codes/sms-unavailable')
    assert.equal((await api.add(customer, typed)).statusCode, 200)
    assert.match(api.sms.codeFor(customer.phone), /^\d{6}$/)
  })

  test('the message is in the language of the account', async () => {
    const customer = await aCustomer(api.db)
    await api.db.updateTable('account').set({ language: 'en' }).where('id', '=', customer.id).execute()
    await api.add(customer, api.supply({ phone: customer.phone }))
    assert.match(api.sms.sent.findLast(({ to }) => to === customer.phone)?.text ?? '', /your code is \d{6}/)
  })
})

suite('a meter that is looked up', () => {
  test('wrong number, ambiguous number, a register that is away and one that makes no sense are told apart', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    const unknown = await api.add(customer, { ...typed, police: '1' })
    assert.equal(unknown.statusCode, 404)
    assert.equal(codeOf(unknown), 'meters/unknown-number')
    assert.equal(codeOf(await api.add(customer, { kind: 'postpaid', number: typed.number })), 'meters/unknown-number')

    api.supply({ number: typed.number, phone: '338210000' })
    const ambiguous = await api.add(customer, { kind: 'prepaid', number: typed.number })
    assert.equal(ambiguous.statusCode, 422)
    assert.equal(codeOf(ambiguous), 'meters/police-needed')

    for (const reason of ['unreachable', 'too_slow', 'refused', 'circuit_open'] as const) {
      api.register.failure = new SourceUnavailable(reason)
      const away = await api.add(customer, typed)
      assert.equal(away.statusCode, 503)
      assert.equal(codeOf(away), 'meters/register-unavailable')
      assert.equal(away.headers['retry-after'], '5')
    }
    api.register.failure = new SourceUnavailable('malformed')
    assert.equal(codeOf(await api.add(customer, typed)), 'meters/register-unreadable')
    api.register.failure = undefined
    assert.deepEqual(await metersOf(customer, '?state=pending'), [])
    assert.equal((await api.add(customer, typed)).statusCode, 201)
  })

  const malformed: readonly [what: string, body: object][] = [
    ['letters', { kind: 'prepaid', number: '1425OOOOO16' }],
    ['nothing but dashes', { kind: 'prepaid', number: '----' }],
    ['an unknown kind', { kind: 'solar', number: '14250000016' }],
    ['a police for a contract account', { kind: 'postpaid', number: '310000001', police: '1' }],
    ['a role that one gives oneself', { kind: 'prepaid', number: '14250000016', role: 'owner' }],
    ['quotes in the police', { kind: 'prepaid', number: '14250000016', police: "1' or '1'='1" }],
  ]
  for (const [what, body] of malformed) {
    test(`refused before it is asked: ${what}`, async () => {
      const { asked } = api.register
      assert.equal((await api.add(await aCustomer(api.db), body)).statusCode, 400)
      assert.equal(api.register.asked, asked)
    })
  }

  test('whoever tries numbers is stopped after ten, whether they exist or not', async () => {
    const customer = await aCustomer(api.db)
    for (let tries = 0; tries < 10; tries += 1) {
      assert.equal((await api.add(customer, { kind: 'prepaid', number: `9990000000${tries}` })).statusCode, 404)
    }
    const real = api.supply({ phone: '770000099' })
    const stopped = await api.add(customer, real)
    assert.equal(stopped.statusCode, 429)
    assert.equal(codeOf(stopped), 'accounts/too-many-attempts')
  })

  test('without a register, or without a way to send codes, the step is refused and leaves nothing', async () => {
    await using none = await meterLinksApi({ withRegister: false })
    const customer = await aCustomer(none.db)
    assert.equal(
      codeOf(await none.add(customer, { kind: 'prepaid', number: '14250000016' })),
      'meters/register-unavailable',
    )

    await using mute = await meterLinksApi({ withSms: false })
    const [owner, friend] = [await aCustomer(mute.db), await aCustomer(mute.db)]
    const typed = mute.supply({ phone: owner.phone })
    const refused = await mute.add(owner, typed)
    assert.equal(refused.statusCode, 503)
    assert.equal(codeOf(refused), 'one-time-codes/sms-not-configured')
    assert.deepEqual(await mute.db.selectFrom('meter_link').select('id').execute(), [])
    assert.equal((await mute.add(friend, typed)).statusCode, 201)
  })

  test('staff add no meters', async () => {
    const admin = await aStaffMember(api.db, 'admin')
    assert.equal((await api.add({ id: admin.id, role: 'admin' }, api.supply())).statusCode, 403)
  })

  test('an account that waits for ten answers asks for no more', async () => {
    const customer = await aCustomer(api.db)
    for (let count = 0; count < 10; count += 1) assert.equal((await api.add(customer, api.supply())).statusCode, 201)
    const typed = api.supply()
    assert.equal(codeOf(await api.add(customer, typed)), 'meters/too-many-requests')
    const [first] = await metersOf(customer, '?state=pending')
    assert.equal((await api.call(customer, 'DELETE', `/api/meters/${first?.id}`)).statusCode, 204)
    assert.equal((await api.add(customer, typed)).statusCode, 201)
  })
})

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

    const decide = (who: typeof agent, state: string) => api.call(who, 'PUT', `/api/links/${item.id}`, { state })
    assert.equal((await decide(stranger, 'accepted')).statusCode, 404)
    assert.equal((await decide(agent, 'accepted')).statusCode, 204)
    assert.equal((await decide(agent, 'accepted')).statusCode, 204)
    assert.equal(codeOf(await decide(agent, 'refused')), 'meters/not-in-that-state')
    assert.deepEqual(
      (await metersOf(first)).map(({ role, is_default }) => ({ role, is_default })),
      [{ role: 'shared', is_default: true }],
    )
    assert.deepEqual(
      (await api.told(first.id)).map(({ event }) => event),
      ['accepted'],
    )
    const audited = await api.db
      .selectFrom('audit_entry')
      .select(['action', 'subject_id'])
      .where('actor_id', '=', agent.id)
      .orderBy('id')
      .execute()
    assert.deepEqual(audited, [
      { action: 'meter_link.list', subject_id: null },
      { action: 'meter_link.list', subject_id: null },
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
    const byAgent = await api.call(agent, 'PUT', `/api/links/${waiting?.id}`, { state: 'accepted' })
    assert.equal(codeOf(byAgent), 'meters/owner-decides')
    assert.equal((await api.call(owner, 'PUT', `/api/links/${waiting?.id}`, { state: 'accepted' })).statusCode, 204)
    assert.equal((await metersOf(friend))[0]?.id, id)
  })

  test('somebody who was let in may turn out to be the owner, and sees the meter all along', async () => {
    const agency = await anAgency(api.db)
    const admin = { ...(await aStaffMember(api.db, 'admin')), role: 'admin' as const }
    const customer = await aCustomer(api.db)
    const typed = api.supply({ agencyName: `AGENCE ${agency.code}` })
    const { id } = (await api.add(customer, typed)).json<Added>()
    const mine = (await api.call(admin, 'GET', `/api/meters/${id}/shares`)).json<AgencyLinks>().items[0]
    await api.call(admin, 'PUT', `/api/links/${mine?.id}`, { state: 'accepted' })
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
    assert.equal((await api.call(customer, 'POST', `/api/meters/${id}/ownership`, { code })).statusCode, 200)
    assert.equal((await metersOf(customer))[0]?.role, 'owner')
  })
})
