import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NOTIFICATION_TYPES, TYPE_NAMES } from '#src/modules/notifications/types.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer, TEST_PIN } from '#test/support/factories.ts'
import { get, logIn, put } from '#test/support/requests.ts'

let api: TestApi
let url: string
let token: string

before(async () => {
  api = await testApi()
  const customer = await aCustomer(api.database.db)
  url = `/api/users/${customer.id}/notification-preferences`
  token = (await logIn(api.server.app, { phone: customer.phone, pin: TEST_PIN })).access_token
})
after(() => api[Symbol.asyncDispose]())

interface Answer {
  readonly muted_types: string[]
  readonly quiet_hours: { from: string; until: string } | null
  readonly types: { type: string; label: string; muteable: boolean }[]
  readonly updated_at: string | null
}

test('who has chosen nothing gets everything, and sees every type in the language asked for', async () => {
  const french = await get(api.server.app, url, token)
  const { types, ...chosen } = french.json<Answer>()
  assert.deepEqual(chosen, { muted_types: [], quiet_hours: null, updated_at: null })
  assert.deepEqual(
    types.map(({ type, label }) => [type, label]),
    TYPE_NAMES.map((type) => [type, NOTIFICATION_TYPES[type].label.fr]),
  )
  assert.equal(french.headers['content-language'], 'fr')
  const english = await api.server.app.inject({
    url,
    headers: { authorization: `Bearer ${token}`, 'accept-language': 'en' },
  })
  assert.equal(english.json<Answer>().types[0]?.label, NOTIFICATION_TYPES.outage.label.en)
})

test('a choice is stored whole, and the next one replaces it', async () => {
  const { app } = api.server
  const first = { muted_types: ['bill', 'general'], quiet_hours: { from: '22:00', until: '06:30' } }
  const answer = await put(app, url, first, token)
  assert.equal(answer.statusCode, 200, answer.body)
  for (const { muted_types, quiet_hours } of [answer.json<Answer>(), (await get(app, url, token)).json<Answer>()]) {
    assert.deepEqual({ muted_types, quiet_hours }, first)
  }
  const second = { muted_types: ['purchase'], quiet_hours: null }
  assert.equal((await put(app, url, second, token)).statusCode, 200)
  const { muted_types, quiet_hours, updated_at } = (await get(app, url, token)).json<Answer>()
  assert.deepEqual({ muted_types, quiet_hours }, second)
  assert.ok(updated_at !== null)
})

const refused: readonly [what: string, body: object, status: number, code: string][] = [
  ['an unknown type', { muted_types: ['weather'], quiet_hours: null }, 400, 'http/invalid-request'],
  ['a type twice', { muted_types: ['bill', 'bill'], quiet_hours: null }, 400, 'http/invalid-request'],
  ['a type that must reach', { muted_types: ['account'], quiet_hours: null }, 422, 'preferences/not-muteable'],
  [
    'quiet hours without length',
    { muted_types: [], quiet_hours: { from: '22:00', until: '22:00' } },
    422,
    'preferences/empty-quiet-hours',
  ],
  [
    'an hour that no clock has',
    { muted_types: [], quiet_hours: { from: '24:00', until: '06:00' } },
    400,
    'http/invalid-request',
  ],
  ['half of the quiet hours', { muted_types: [], quiet_hours: { from: '22:00' } }, 400, 'http/invalid-request'],
  ['half of a choice', { muted_types: [] }, 400, 'http/invalid-request'],
]

for (const [what, body, status, code] of refused) {
  test(`${what} is refused, and what was chosen before stays`, async () => {
    const { app } = api.server
    const chosen = (await get(app, url, token)).json<Answer>()
    const answer = await put(app, url, body, token)
    assert.equal(answer.statusCode, status, answer.body)
    assert.equal(answer.json<{ code: string }>().code, code)
    assert.deepEqual((await get(app, url, token)).json<Answer>(), chosen)
  })
}

test('an unknown type is answered with those that there are', async () => {
  const answer = await put(api.server.app, url, { muted_types: ['weather'], quiet_hours: null }, token)
  const { errors = [] } = answer.json<{ errors?: { path: string; fr: string }[] }>()
  assert.deepEqual(
    errors.map(({ path, fr }) => [path, fr]),
    [['/muted_types/0', `valeurs admises\u{a0}: ${TYPE_NAMES.join(', ')}`]],
  )
})
