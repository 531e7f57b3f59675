import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApi } from '#test/support/api.ts'
import { aCustomer } from '#test/support/factories.ts'
import { get, logIn, post } from '#test/support/requests.ts'
import { TcpInterposer } from '#test/support/tcp-interposer.ts'

test('without its database the API says so and for how long, tells nothing of the driver, and recovers', async () => {
  const way = { server: 0, own: 0, cut: async () => {} }
  await using api = await testApi({
    reach: async (address) => {
      const url = new URL(address)
      way.server = Number(url.port)
      const interposer = await TcpInterposer.start(way.server)
      way.own = interposer.port
      way.cut = () => interposer[Symbol.asyncDispose]()
      url.port = String(way.own)
      return url.href
    },
  })
  const { app } = api.server
  const { id, phone, pin } = await aCustomer(api.database.db)
  const { access_token } = await logIn(app, { phone, pin })
  await way.cut()
  const answers = [
    await get(app, `/api/users/${id}`, access_token),
    await post(app, '/api/login', { phone, pin }),
    await post(app, '/api/logout', {}, access_token),
  ]
  for (const answer of answers) {
    assert.equal(answer.statusCode, 503, answer.body)
    assert.equal(answer.json<{ code: string }>().code, 'database/unavailable')
    assert.equal(answer.headers['retry-after'], '5')
    assert.doesNotMatch(answer.body, /ECONN|127\.0\.0\.1|test_/)
  }
  assert.equal((await get(app, '/health')).statusCode, 200)
  await using _back = await TcpInterposer.start(way.server, way.own)
  assert.equal((await get(app, `/api/users/${id}`, access_token)).statusCode, 200)
})
