import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, aStaffMember } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf } = linkSteps(() => api)

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

  test('an account makes ten requests a day, taken back or not, and has ten that wait', async () => {
    const customer = await aCustomer(api.db)
    for (let count = 0; count < 10; count += 1) assert.equal((await api.add(customer, api.supply())).statusCode, 201)
    const typed = api.supply()
    const refused = async (): Promise<void> =>
      assert.equal(codeOf(await api.add(customer, typed)), 'meters/too-many-requests')
    await refused()
    const [first] = await metersOf(customer, '?state=pending')
    assert.equal((await api.call(customer, 'DELETE', `/api/meters/${first?.id}`)).statusCode, 204)
    await refused()
    api.passTime(24 * 3_600_000)
    assert.equal((await api.add(customer, typed)).statusCode, 201)
    assert.equal(codeOf(await api.add(customer, api.supply())), 'meters/too-many-requests')
  })
})
