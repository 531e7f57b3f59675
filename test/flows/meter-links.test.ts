import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Added, type MeterLinksApi, meterLinksApi } from '#test/support/meter-links-api.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, anAgency } from '#test/support/factories.ts'

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, confirm } = linkSteps(() => api)

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
    // By themselves: six digits inside an id or a time are six others.
    assert.doesNotMatch(added.body + api.log.text(), new RegExp(`\\b${digits}\\b`))
    const confirmed = await confirm(customer, id, digits)
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
    const first = api.sms.codeFor(customer.phone)
    const wrong = first === '000000' ? '000001' : '000000'
    for (const left of [4, 3, 2, 1, 0]) {
      const tried = await confirm(customer, id, wrong)
      assert.equal(codeOf(tried), 'one-time-codes/wrong-code')
      assert.equal(tried.json<{ tries_left: number }>().tries_left, left)
    }
    assert.equal(codeOf(await confirm(customer, id, first)), 'one-time-codes/no-live-code')

    api.passTime(60_000)
    assert.equal((await api.add(customer, typed)).statusCode, 200)
    const second = api.sms.codeFor(customer.phone)
    api.passTime(60_000)
    await api.add(customer, typed)
    const third = api.sms.codeFor(customer.phone)
    if (second !== third) assert.equal(codeOf(await confirm(customer, id, second)), 'one-time-codes/wrong-code')
    api.passTime(10 * 60_000)
    assert.equal(codeOf(await confirm(customer, id, third)), 'one-time-codes/no-live-code')

    await api.add(customer, typed)
    assert.equal((await confirm(customer, id, api.sms.codeFor(customer.phone))).statusCode, 200)
    assert.equal(codeOf(await confirm(customer, id, api.sms.codeFor(customer.phone))), 'one-time-codes/no-live-code')
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

  test('a code that did not leave is said so, and counts: a gateway that stutters lifts no limit', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    api.sms.isFailing = true
    const failed = await api.add(customer, typed)
    api.sms.isFailing = false
    assert.equal(failed.statusCode, 503)
    assert.equal(codeOf(failed), 'one-time-codes/sms-unavailable')
    assert.equal(failed.headers['retry-after'], '60')
    assert.equal((await api.add(customer, typed)).statusCode, 429)
    api.passTime(60_000)
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
