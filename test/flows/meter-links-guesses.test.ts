import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { codeOf, linkSteps } from '#test/support/link-steps.ts'
import { type Added, type MeterLinksApi, meterLinksApi, type Typed } from '#test/support/meter-links-api.ts'
import { aCustomer } from '#test/support/factories.ts'

/** Which look-ups count towards the lock of those who try numbers: guesses, whatever they hit, and nothing else. */

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { decide, linkIdOf, remove } = linkSteps(() => api)

type Customer = Awaited<ReturnType<typeof aCustomer>>
const MINUTE_MS = 60_000
const FREE_GUESSES = 10

let lastUnknown = 0
const guess = (customer: Customer): Promise<LightMyRequestResponse> =>
  api.add(customer, { kind: 'prepaid', number: `999${String((lastUnknown += 1)).padStart(8, '0')}` })

async function guessTimes(customer: Customer, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    assert.equal(codeOf(await guess(customer)), 'meters/unknown-number', `guess ${count + 1} of ${times}`)
  }
}

/** Fails unless exactly so many guesses are left until the lock. */
async function assertGuessesLeft(customer: Customer, left: number): Promise<void> {
  await guessTimes(customer, left)
  assert.equal(codeOf(await guess(customer)), 'accounts/too-many-attempts')
}

/** Asks more often than guesses are free, and looks at every answer. */
async function insist(customer: Customer, typed: Typed, look: (answer: LightMyRequestResponse) => void) {
  for (let count = 0; count < FREE_GUESSES + 2; count += 1) look(await api.add(customer, typed))
}

const refusedAs = (code: string) => (answer: LightMyRequestResponse) => assert.equal(codeOf(answer), code)

suite('asking again for what one has named', () => {
  test('the code of one’s own meter: neither counts nor forgives, and goes on while guesses are locked', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    assert.equal((await api.add(customer, typed)).statusCode, 201)
    await guessTimes(customer, FREE_GUESSES - 3)
    await insist(customer, typed, refusedAs('one-time-codes/too-many'))
    await guessTimes(customer, 1)
    api.passTime(MINUTE_MS)
    assert.notEqual((await api.add(customer, typed)).json<Added>().code, null)
    await assertGuessesLeft(customer, 2)
    await insist(customer, typed, refusedAs('one-time-codes/too-many'))
    api.passTime(MINUTE_MS)
    assert.notEqual((await api.add(customer, typed)).json<Added>().code, null)
    assert.equal(codeOf(await guess(customer)), 'accounts/too-many-attempts')
  })

  test('a second meter of one’s own while the code of the first holds it up', async () => {
    const customer = await aCustomer(api.db)
    await api.add(customer, api.supply({ phone: customer.phone }))
    await guessTimes(customer, 1)
    await insist(customer, api.supply({ phone: customer.phone }), refusedAs('one-time-codes/too-many'))
    await assertGuessesLeft(customer, FREE_GUESSES - 1)
  })

  test('a request that waits, a share that one has, and one that was refused', async () => {
    const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
    const typed = api.supply({ phone: owner.phone })
    const id = await api.own(owner, typed)
    const numberAlone = { kind: typed.kind, number: `${typed.number.slice(0, 3)} ${typed.number.slice(3)}` }
    await api.add(friend, typed)
    await insist(friend, numberAlone, (answer) => assert.equal(answer.json<Added>().state, 'pending'))
    const linkId = await linkIdOf(friend, id)
    assert.equal((await decide(owner, linkId, 'accepted')).statusCode, 204)
    await insist(friend, typed, refusedAs('meters/already-linked'))
    assert.equal((await decide(owner, linkId, 'revoked')).statusCode, 204)
    await insist(friend, typed, refusedAs('meters/asked-too-soon'))
    await insist(owner, typed, refusedAs('meters/already-linked'))
    await assertGuessesLeft(friend, FREE_GUESSES)
    await assertGuessesLeft(owner, FREE_GUESSES)
  })

  test('a number taken back and named again buys no more guesses', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    const { id } = (await api.add(customer, typed)).json<Added>()
    await guessTimes(customer, FREE_GUESSES - 1)
    assert.equal((await remove(customer, id)).statusCode, 204)
    api.passTime(MINUTE_MS)
    assert.equal((await api.add(customer, typed)).statusCode, 201)
    await assertGuessesLeft(customer, 1)
  })
})

suite('a guess counts the same whatever it hits', () => {
  const kinds: readonly [what: string, typed: () => Typed][] = [
    ['a number that nobody has', () => ({ kind: 'prepaid', number: '99700000001' })],
    ['a number with another police', () => ({ ...api.supply({ phone: '338210001' }), police: '1' })],
    ['a number that more than one police has', ambiguous],
    ['a meter number as a contract account', () => ({ kind: 'postpaid', number: api.supply().number })],
  ]
  function ambiguous(): Typed {
    const { kind, number } = api.supply({ phone: '338210002' })
    api.supply({ number, phone: '338210003' })
    return { kind, number }
  }
  for (const [what, typedOf] of kinds) {
    test(what, async () => {
      const customer = await aCustomer(api.db)
      const typed = typedOf()
      for (let count = 0; count < FREE_GUESSES; count += 1) {
        assert.match(codeOf(await api.add(customer, typed)), /^meters\/(unknown-number|police-needed)$/)
      }
      assert.equal(codeOf(await api.add(customer, typed)), 'accounts/too-many-attempts')
    })
  }

  test('another police of a number that one has named is a guess like any other', async () => {
    const customer = await aCustomer(api.db)
    const typed = api.supply({ phone: customer.phone })
    await api.own(customer, typed)
    for (let count = 0; count < FREE_GUESSES; count += 1) {
      assert.equal(codeOf(await api.add(customer, { ...typed, police: String(count) })), 'meters/unknown-number')
    }
    assert.equal(codeOf(await api.add(customer, { ...typed, police: '77' })), 'accounts/too-many-attempts')
  })

  test('also many at the same moment: no more than ten are answered', async () => {
    const customer = await aCustomer(api.db)
    const answers = await Promise.all(Array.from({ length: 3 * FREE_GUESSES }, () => guess(customer)))
    assert.equal(answers.filter((answer) => codeOf(answer) === 'meters/unknown-number').length, FREE_GUESSES)
  })

  test('a register that is away neither counts nor makes earlier guesses forgotten', async () => {
    const customer = await aCustomer(api.db)
    await guessTimes(customer, FREE_GUESSES - 1)
    api.register.failure = new SourceUnavailable('unreachable')
    const typed: Typed = { kind: 'prepaid', number: '99800000001' }
    await insist(customer, typed, refusedAs('meters/register-unavailable'))
    api.register.failure = undefined
    await assertGuessesLeft(customer, 1)
  })

  test('one that was free after a lock and was no guess leaves the next one free', async () => {
    const customer = await aCustomer(api.db)
    await assertGuessesLeft(customer, FREE_GUESSES)
    api.passTime(15 * MINUTE_MS)
    api.register.failure = new SourceUnavailable('unreachable')
    assert.equal(codeOf(await guess(customer)), 'meters/register-unavailable')
    api.register.failure = undefined
    await assertGuessesLeft(customer, 1)
  })
})
