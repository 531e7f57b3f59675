import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { type Added, type MeterLinksApi, meterLinksApi, type Typed } from '#test/support/meter-links-api.ts'
import { linkSteps } from '#test/support/link-steps.ts'
import { aCustomer, anAgency, aStaffMember } from '#test/support/factories.ts'

/** Any history of one meter between three customers and an agent, beside a model of a few lines. */

let api: MeterLinksApi
before(async () => {
  api = await meterLinksApi()
})
after(() => api[Symbol.asyncDispose]())
const { metersOf, confirm, decide, remove, linkIdOf } = linkSteps(() => api)

const DAY_MS = 24 * 3_600_000

/** Customer 0 has the phone that the utility has. */
type Who = 0 | 1 | 2
type Step =
  | { readonly kind: 'add' | 'remove'; readonly who: Who }
  | { readonly kind: 'confirm'; readonly who: 0 }
  | { readonly kind: 'decide'; readonly by: Who | 'agent'; readonly on: 1 | 2; readonly to: Decision }
  | { readonly kind: 'wait' }
type Decision = 'accepted' | 'refused' | 'revoked'

interface Modelled {
  role: 'owner' | 'shared'
  state: 'pending' | Decision
  ageDays: number
}

const anyone = fc.constantFrom<Who>(0, 1, 2)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('add' as const), who: anyone }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('confirm' as const), who: fc.constant(0 as const) }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('remove' as const), who: anyone }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      by: fc.constantFrom<Who | 'agent'>(0, 'agent', 1),
      on: fc.constantFrom<1 | 2>(1, 2),
      to: fc.constantFrom<Decision>('accepted', 'accepted', 'refused', 'revoked'),
    }),
    weight: 5,
  },
  { arbitrary: fc.record({ kind: fc.constant('wait' as const) }), weight: 1 },
)

class Model {
  readonly links = new Map<Who, Modelled>()
  hasCode = false

  get owner(): Who | undefined {
    return [...this.links].find(([, { role, state }]) => role === 'owner' && state === 'accepted')?.[0]
  }

  /** The status that the step is answered with; undefined where nothing is asked. */
  apply(step: Step): number | undefined {
    switch (step.kind) {
      case 'wait':
        for (const link of this.links.values()) link.ageDays += 1
        this.hasCode = false
        return undefined
      case 'add':
        return this.#add(step.who)
      case 'confirm':
        return this.#confirm()
      case 'remove':
        return this.#remove(step.who)
      case 'decide':
        return this.#decide(step.by, step.on, step.to)
    }
  }

  #add(who: Who): number {
    const own = this.links.get(who)
    if (who === 0 && this.owner === undefined) {
      this.hasCode = true
      this.links.set(who, { role: 'owner', state: 'pending', ageDays: 0 })
      return own?.state === 'pending' ? 200 : 201
    }
    if (own?.state === 'accepted') return 409
    if (own?.state === 'pending') return 200
    if (own !== undefined && own.ageDays < 1) return 429
    this.links.set(who, { role: 'shared', state: 'pending', ageDays: 0 })
    return 201
  }

  #confirm(): number {
    const own = this.links.get(0)
    if (own === undefined || own.state === 'refused' || own.state === 'revoked') return 404
    if (!this.hasCode) return 422
    this.hasCode = false
    own.state = 'accepted'
    return 200
  }

  #remove(who: Who): number {
    const own = this.links.get(who)
    if (own?.state !== 'pending' && own?.state !== 'accepted') return 404
    const wasOwner = this.owner === who
    Object.assign(own, { state: 'revoked', ageDays: 0 })
    if (!wasOwner) return 204
    for (const link of this.links.values()) {
      if (link.state === 'accepted') Object.assign(link, { state: 'revoked', ageDays: 0 })
    }
    return 204
  }

  #decide(by: Who | 'agent', on: Who, to: Decision): number | undefined {
    const link = this.links.get(on)
    if (link === undefined) return undefined
    if (by !== 'agent' && this.owner !== by) return 404
    if (by === 'agent' && this.owner !== undefined) return 409
    if (link.state === to) return 204
    if (link.state !== (to === 'revoked' ? 'accepted' : 'pending')) return 409
    Object.assign(link, { state: to, ageDays: 0 })
    return 204
  }
}

/** The same steps on the API, for a meter of its own. */
async function aWorld() {
  const agency = await anAgency(api.db)
  const agent = { ...(await aStaffMember(api.db, 'agent', agency.code)), role: 'agent' as const }
  const people = [await aCustomer(api.db), await aCustomer(api.db), await aCustomer(api.db)] as const
  const typed: Typed = api.supply({ phone: people[0].phone, agencyName: `AGENCE ${agency.code}` })
  let meterId = crypto.randomUUID() as string

  async function run(step: Step): Promise<number | undefined> {
    switch (step.kind) {
      case 'wait':
        api.passTime(DAY_MS)
        return undefined
      case 'add': {
        // The limits on tries and codes have tests of their own.
        await api.db.deleteFrom('login_guard').execute()
        await api.db
          .updateTable('one_time_code')
          .set({ sent_at: sql`sent_at - interval '2 days'` })
          .execute()
        const added = await api.add(people[step.who], typed)
        if (added.statusCode < 300) meterId = added.json<Added>().id
        return added.statusCode
      }
      case 'confirm': {
        const sent = api.sms.sent.some(({ to }) => to === people[0].phone)
        const code = sent ? api.sms.codeFor(people[0].phone) : '000000'
        return (await confirm(people[0], meterId, code)).statusCode
      }
      case 'remove':
        return (await remove(people[step.who], meterId)).statusCode
      case 'decide': {
        const id = await linkIdOf(people[step.on], meterId)
        const by = step.by === 'agent' ? agent : people[step.by]
        if (id === undefined) return undefined
        return (await decide(by, id, step.to)).statusCode
      }
    }
  }

  const listOf = async (who: Who, state: string): Promise<string[]> =>
    (await metersOf(people[who], `?state=${state}`)).map((item) => `${item.role} ${item.state}`)
  return { run, listOf }
}

test('every history is answered and ends as the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 25 }), async (steps) => {
      const [model, world] = [new Model(), await aWorld()]
      for (const [place, one] of steps.entries()) {
        assert.equal(await world.run(one), model.apply(one), `step ${place}: ${JSON.stringify(one)}`)
      }
      for (const person of [0, 1, 2] as const) {
        const link = model.links.get(person)
        for (const state of ['accepted', 'pending'] as const) {
          const expected = link?.state === state ? [`${link.role} ${state}`] : []
          assert.deepEqual(await world.listOf(person, state), expected)
        }
      }
    }),
    { numRuns: 25 },
  )
})
