import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { aCustomer } from '#test/support/factories.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { get, logIn, post, put } from '#test/support/requests.ts'

let api: TestApi
before(async () => {
  api = await testApi()
})
after(() => api[Symbol.asyncDispose]())

const targetsOf = async (accountId: string): Promise<(string | null)[]> => {
  const rows = await api.database.db.selectFrom('device').select('target').where('account_id', '=', accountId).execute()
  return rows.map((row) => row.target)
}

test('logging in again on a device keeps one device and one session', async () => {
  const { app } = api.server
  const { id, phone, pin } = await aCustomer(api.database.db)
  const device = { id: 'phone-1', platform: 'android', name: 'Tecno', push_token: 'token-1' }
  const first = await logIn(app, { phone, pin, device })
  const second = await logIn(app, { phone, pin, device: { ...device, push_token: 'token-2' } })
  assert.deepEqual(await targetsOf(id), ['token-2'])
  assert.equal((await get(app, `/api/users/${id}`, first.access_token)).statusCode, 401)
  assert.equal((await get(app, `/api/users/${id}`, second.access_token)).statusCode, 200)
})

test('a telephone that changes hands stops getting what is meant for its first user', async () => {
  const { app } = api.server
  const [awa, moussa] = [await aCustomer(api.database.db), await aCustomer(api.database.db)]
  const device = { id: 'handed-on', platform: 'android' }
  await logIn(app, { phone: awa.phone, pin: awa.pin, device: { ...device, push_token: 'token-of-awa' } })
  await logIn(app, { phone: moussa.phone, pin: moussa.pin, device })
  assert.deepEqual(await targetsOf(awa.id), [null])
})

test('a target belongs to one device: the last that brought it', async () => {
  const { app } = api.server
  const [awa, moussa] = [await aCustomer(api.database.db), await aCustomer(api.database.db)]
  const device = (id: string) => ({ id, platform: 'ios', push_fid: 'shared-fid' })
  await logIn(app, { phone: awa.phone, pin: awa.pin, device: device('a') })
  await logIn(app, { phone: moussa.phone, pin: moussa.pin, device: device('b') })
  assert.deepEqual(await targetsOf(awa.id), [null])
  assert.deepEqual(await targetsOf(moussa.id), ['shared-fid'])
})

test('a renewed target replaces the old one, a logout removes it', async () => {
  const { app } = api.server
  const { id, phone, pin } = await aCustomer(api.database.db)
  const { access_token } = await logIn(app, {
    phone,
    pin,
    device: { id: 'renewed', platform: 'web', push_token: 'old' },
  })
  assert.equal((await put(app, '/api/session/push-target', { push_fid: 'new' }, access_token)).statusCode, 204)
  assert.deepEqual(await targetsOf(id), ['new'])
  assert.equal((await put(app, '/api/session/push-target', {}, access_token)).statusCode, 400)
  assert.equal(
    (await put(app, '/api/session/push-target', { push_fid: 'a', push_token: 'b' }, access_token)).statusCode,
    400,
  )
  await post(app, '/api/logout', {}, access_token)
  assert.deepEqual(await targetsOf(id), [null])
})

test('a login without a device has no target to renew', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const { access_token } = await logIn(app, { phone, pin })
  const answer = await put(app, '/api/session/push-target', { push_token: 'x' }, access_token)
  assert.equal(answer.statusCode, 409)
  assert.equal(answer.json<{ code: string }>().code, 'accounts/no-device')
})
