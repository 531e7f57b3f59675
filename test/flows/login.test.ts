import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSigner } from 'fast-jwt'
import { aCustomer, anAgency, aPhone, aStaffMember } from '#test/support/factories.ts'
import { TEST_JWT_SECRET, testApi, type TestApi } from '#test/support/api.ts'
import { get, logIn, post, put } from '#test/support/requests.ts'

let api: TestApi
let now = Date.now()
const passTime = (ms: number): void => void (now += ms)

before(async () => {
  api = await testApi({ clock: () => now })
})
after(() => api[Symbol.asyncDispose]())

test('a customer logs in by any spelling of the phone, staff by login', async () => {
  const { app } = api.server
  const customer = await aCustomer(api.database.db, { phone: '+221771112233' })
  const answer = await post(app, '/api/login', { phone: '00221 77 111 22 33', pin: customer.pin })
  assert.equal(answer.statusCode, 200)
  const body = answer.json<Record<string, unknown>>()
  assert.deepEqual(Object.keys(body).toSorted(), [
    'access_token',
    'expires_in',
    'refresh_expires_in',
    'refresh_token',
    'token_type',
    'user',
  ])
  assert.deepEqual(body['user'], {
    id: customer.id,
    role: 'customer',
    first_name: 'Awa',
    last_name: 'Ndiaye',
    phone: '+221771112233',
    language: 'fr',
  })
  const agency = await anAgency(api.database.db)
  const agent = await aStaffMember(api.database.db, 'agent', agency.code)
  const staff = await logIn(app, { login: agent.login.toUpperCase(), password: agent.password })
  assert.equal(staff.user.role, 'agent')
})

test('an unknown account, a wrong PIN and a disabled account get one and the same answer', async () => {
  const { app } = api.server
  const customer = await aCustomer(api.database.db)
  const disabled = await aCustomer(api.database.db)
  await api.database.db.updateTable('account').set({ disabled_at: new Date() }).where('id', '=', disabled.id).execute()
  const answers = await Promise.all([
    post(app, '/api/login', { phone: customer.phone, pin: '0001' }),
    post(app, '/api/login', { phone: aPhone(), pin: '0001' }),
    post(app, '/api/login', { phone: disabled.phone, pin: disabled.pin }),
  ])
  const told = answers.map((answer) => {
    const { request_id: _, ...problem } = answer.json<Record<string, unknown>>()
    return { status: answer.statusCode, problem }
  })
  assert.deepEqual(told[1], told[0])
  assert.deepEqual(told[2], told[0])
  assert.equal(told[0]?.status, 401)
  assert.equal(told[0]?.problem['code'], 'accounts/invalid-credentials')
})

for (const kind of ['known', 'unknown'] as const) {
  test(`ten wrong PINs lock a ${kind} account, also against the right one and after a restart`, async () => {
    const known = await aCustomer(api.database.db)
    const phone = kind === 'known' ? known.phone : aPhone()
    const statuses = await Promise.all(
      Array.from({ length: 11 }, () => post(api.server.app, '/api/login', { phone, pin: '0001' })),
    )
    assert.deepEqual(statuses.map((answer) => answer.statusCode).toSorted(), [
      ...Array.from({ length: 10 }, () => 401),
      429,
    ])
    const restarted = await api.another()
    const locked = await post(restarted.app, '/api/login', { phone, pin: known.pin })
    assert.equal(locked.statusCode, 429)
    assert.equal(locked.json<{ code: string }>().code, 'accounts/too-many-attempts')
    const wait = Number(locked.headers['retry-after'])
    assert.ok(wait > 0 && wait <= 15 * 60, `${wait} s`)
    passTime(15 * 60_000 + 1_000)
    const afterwards = await post(restarted.app, '/api/login', { phone, pin: known.pin })
    assert.equal(afterwards.statusCode, kind === 'known' ? 200 : 401)
  })
}

test('each failure after a lock doubles it', async () => {
  const phone = aPhone()
  const attempt = () => post(api.server.app, '/api/login', { phone, pin: '0001' })
  await Promise.all(Array.from({ length: 10 }, attempt))
  const waits: number[] = []
  for (let round = 0; round < 9; round += 1) {
    const wait = Number((await attempt()).headers['retry-after'])
    waits.push(Math.round(wait / 60))
    passTime(wait * 1_000 + 1_000)
    await attempt()
  }
  assert.deepEqual(waits, [15, 30, 60, 120, 240, 480, 960, 1440, 1440])
})

test('a stranger who locks an account does not lock out the device its owner uses', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const device = { id: 'installation-of-awa', platform: 'android' }
  await logIn(app, { phone, pin, device })
  await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      post(app, '/api/login', { phone, pin: '0001', device: { id: `other-${index}`, platform: 'android' } }),
    ),
  )
  assert.equal((await post(app, '/api/login', { phone, pin })).statusCode, 429)
  assert.equal((await post(app, '/api/login', { phone, pin, device })).statusCode, 200)
})

test('a success forgives the failures before it', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(Array.from({ length: 9 }, () => post(app, '/api/login', { phone, pin: '0001' })))
    await logIn(app, { phone, pin })
  }
})

test('a refresh token works once, and its return ends the whole login', async () => {
  const { app } = api.server
  const first = await logIn(app, await aCustomer(api.database.db).then(({ phone, pin }) => ({ phone, pin })))
  const second = (await post(app, '/api/refresh', { refresh_token: first.refresh_token })).json<typeof first>()
  assert.notEqual(second.refresh_token, first.refresh_token)
  assert.equal((await get(app, `/api/users/${first.user.id}`, second.access_token)).statusCode, 200)
  const stolen = await post(app, '/api/refresh', { refresh_token: first.refresh_token })
  assert.equal(stolen.statusCode, 401)
  assert.equal(stolen.json<{ code: string }>().code, 'accounts/refresh-token-reused')
  for (const token of [first.access_token, second.access_token]) {
    assert.equal((await get(app, `/api/users/${first.user.id}`, token)).statusCode, 401)
  }
  assert.equal((await post(app, '/api/refresh', { refresh_token: second.refresh_token })).statusCode, 401)
})

test('of two refreshes at once with one token, at most one succeeds', async () => {
  const { app } = api.server
  const { refresh_token } = await logIn(
    app,
    await aCustomer(api.database.db).then(({ phone, pin }) => ({ phone, pin })),
  )
  const answers = await Promise.all([1, 2, 3].map(() => post(app, '/api/refresh', { refresh_token })))
  assert.equal(answers.filter((answer) => answer.statusCode === 200).length, 1)
})

test('a logout counts at once, here and on another API', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const loggedIn = await logIn(app, { phone, pin })
  assert.equal((await post(app, '/api/logout', {}, loggedIn.access_token)).statusCode, 204)
  const afterwards = await get(app, `/api/users/${loggedIn.user.id}`, loggedIn.access_token)
  assert.equal(afterwards.statusCode, 401)
  assert.equal(afterwards.json<{ code: string }>().code, 'accounts/session-ended')
  assert.equal((await post(app, '/api/refresh', { refresh_token: loggedIn.refresh_token })).statusCode, 401)
  const other = await api.another()
  assert.equal((await get(other.app, `/api/users/${loggedIn.user.id}`, loggedIn.access_token)).statusCode, 401)
})

test('tokens that are forged, unsigned, expired or of no form are refused', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const { access_token: token, user } = await logIn(app, { phone, pin })
  const claims = { sub: user.id, sid: user.id, role: 'admin', iss: 'samaconso', exp: Math.floor(now / 1_000) + 900 }
  const forged = createSigner({ key: 'the secret of somebody else', algorithm: 'HS256' })(claims)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
  const url = `/api/users/${user.id}`
  for (const bad of [forged, unsigned, `${token}x`, token.slice(0, -4), 'nonsense', '..']) {
    assert.equal((await get(app, url, bad)).statusCode, 401, bad)
  }
  const expiredClaims = { ...claims, exp: Math.floor(now / 1_000) - 1 }
  const expired = await get(app, url, createSigner({ key: TEST_JWT_SECRET, algorithm: 'HS256' })(expiredClaims))
  assert.equal(expired.json<{ code: string }>().code, 'http/token-expired')
  const none = await get(app, url)
  assert.equal(none.statusCode, 401)
  assert.equal(none.headers['www-authenticate'], 'Bearer')
  assert.equal((await get(app, url, token)).statusCode, 200)
  passTime(15 * 60_000)
  assert.equal((await get(app, url, token)).json<{ code: string }>().code, 'http/token-expired')
})

test('changing the PIN wants the old one, refuses a weak one and ends the other logins', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const [here, there] = [await logIn(app, { phone, pin }), await logIn(app, { phone, pin })]
  const url = `/api/users/${here.user.id}/pin`
  const change = (old_pin: string, new_pin: string) => put(app, url, { old_pin, new_pin }, here.access_token)
  assert.equal((await change('0001', '8642')).statusCode, 403)
  assert.equal((await change(pin, '1234')).statusCode, 422)
  assert.equal((await change(pin, '8642')).statusCode, 204)
  assert.equal((await get(app, `/api/users/${here.user.id}`, here.access_token)).statusCode, 200)
  assert.equal((await get(app, `/api/users/${here.user.id}`, there.access_token)).statusCode, 401)
  assert.equal((await post(app, '/api/login', { phone, pin })).statusCode, 401)
  await logIn(app, { phone, pin: '8642' })
})

test('staff change a password, customers a PIN, and not the other way round', async () => {
  const { app } = api.server
  const staff = await aStaffMember(api.database.db, 'service')
  const { access_token, user } = await logIn(app, { login: staff.login, password: staff.password })
  const passwords = { old_password: staff.password, new_password: 'another good password' }
  assert.equal(
    (await put(app, `/api/users/${user.id}/pin`, { old_pin: '1', new_pin: '2' }, access_token)).statusCode,
    403,
  )
  assert.equal((await put(app, `/api/users/${user.id}/password`, passwords, access_token)).statusCode, 204)
  await logIn(app, { login: staff.login, password: 'another good password' })
  const customer = await aCustomer(api.database.db)
  const awa = await logIn(app, { phone: customer.phone, pin: customer.pin })
  assert.equal((await put(app, `/api/users/${customer.id}/password`, passwords, awa.access_token)).statusCode, 403)
})

test('no secret of any of these requests reached the log', () => {
  // The random ids of requests that were slow may have the digits of a PIN among theirs.
  const log = api.log.text().replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'an id')
  for (const secret of ['9371', '8642', 'a password for tests', 'eyJhbGciOi']) {
    assert.ok(!log.includes(secret), secret)
  }
})
