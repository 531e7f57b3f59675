import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { PushGatewayUnusable } from '#src/ports/push-gateway.ts'
import { startFcmSimulator } from '#src/simulators/fcm/fcm-simulator.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { until } from '#test/support/processes.ts'
import { connectProxy } from './connect-proxy.ts'
import { newFolder, outcomeOfSilence, type SimulatedFcm, simulatedFcm } from './support.ts'

const isCredentialsFault = (error: unknown): boolean =>
  error instanceof PushGatewayUnusable && error.reason === 'credentials'

const tokensGranted = ({ capture }: SimulatedFcm): number => capture.text().split('access token granted').length - 1

const otherKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

suite('FCM credentials', { timeout: 60_000 }, () => {
  test('one token is asked for by all who wait, and used until it nears its end', async (t) => {
    const fcm = await simulatedFcm(t, { tokenLifetimeS: 200 })
    let nowMs = Date.now()
    const gateway = fcm.gateway({ clock: () => nowMs })
    await Promise.all(Array.from({ length: 50 }, () => gateway.send(pushTo('device'))))
    assert.equal(tokensGranted(fcm), 1)
    // In the last tenth of its life it is renewed beside the sending, which does not wait.
    nowMs += 190_000
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    await until('there is another one', () => tokensGranted(fcm) === 2)
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    assert.equal(tokensGranted(fcm), 2)
  })

  test('a revoked token is renewed once for all and the pushes are sent', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    await gateway.send(pushTo('device'))
    await fetch(`${fcm.simulator.control.url}/tokens/revoke`, { method: 'POST' })
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => gateway.send(pushTo('device'))))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
    assert.equal(tokensGranted(fcm), 2)
  })

  test('a token that is refused again is an outcome, not a loop', async (t) => {
    const fcm = await simulatedFcm(t)
    await fcm.rule({ match: {}, action: { error: 'UNAUTHENTICATED' } })
    assert.deepEqual(await fcm.gateway().send(pushTo('device')), { state: 'refused', reason: 'UNAUTHENTICATED' })
    assert.equal(tokensGranted(fcm), 2)
  })

  test('another account, another key and a damaged file make the gateway unusable', async (t) => {
    const fcm = await simulatedFcm(t)
    const changed = [{ client_email: 'other@example.sn' }, { private_key: otherKey() }]
    for (const change of changed) {
      const gateway = fcm.gateway({ credentials: { ...fcm.account, ...change } })
      await assert.rejects(gateway.send(pushTo('device')), isCredentialsFault)
    }
    for (const field of ['project_id', 'client_email', 'private_key', 'token_uri']) {
      const { [field]: _, ...rest } = fcm.account
      assert.throws(() => fcm.gateway({ credentials: rest }), isCredentialsFault)
    }
    assert.throws(() => fcm.gateway({ credentials: { ...fcm.account, private_key: 'x' } }), isCredentialsFault)
    assert.throws(() => fcm.gateway({ credentials: { ...fcm.account, token_uri: 'http://x/' } }), isCredentialsFault)
  })

  test('a token endpoint that is down is an outcome: nothing was sent', async (t) => {
    const fcm = await simulatedFcm(t)
    await fcm.rule({ match: { on: 'token' }, action: { error: 'UNAVAILABLE' } })
    const outcome = await fcm.gateway().send(pushTo('device'))
    const reason = 'TOKEN_ENDPOINT_UNAVAILABLE'
    assert.deepEqual(outcome, { state: 'retry', reason, afterMs: 10_000, maybeSent: false })
  })

  for (const fault of ['hang', 'half_answer', 'reset'] as const) {
    test(`a token endpoint that answers with ${fault} is an outcome too`, async (t) => {
      const fcm = await simulatedFcm(t)
      await fcm.rule({ match: { on: 'token' }, action: { [fault]: true } })
      const outcome = await fcm.gateway({ timeoutMs: 300 }).send(pushTo('device'))
      assert.equal(outcome.state === 'retry' && outcome.reason, 'TOKEN_ENDPOINT_UNAVAILABLE')
    })
  }

  test('a peer whose certificate is not trusted gets neither assertion nor push', async (t) => {
    const fcm = await simulatedFcm(t)
    const other = await simulatedFcm(t, { dir: newFolder() })
    const outcome = await fcm.gateway({ caFile: other.simulator.caFile }).send(pushTo('device'))
    assert.equal(outcome.state, 'retry')
    assert.equal(tokensGranted(fcm), 0)
  })

  test('tokens and pushes go through a CONNECT proxy, with its password', async (t) => {
    const fcm = await simulatedFcm(t)
    const proxy = await connectProxy(t, { password: 'pass:wörd/1' })
    const gateway = fcm.gateway({ proxyUrl: proxy.url, sessions: 1 })
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    const authority = `127.0.0.1:${fcm.simulator.port}`
    const lines = proxy.heads.map((head) => head.split('\r\n')[0])
    assert.deepEqual(lines, [`CONNECT ${authority} HTTP/1.1`, `CONNECT ${authority} HTTP/1.1`])
  })

  test('the proxy itself may be reached over TLS', async (t) => {
    const fcm = await simulatedFcm(t)
    const { caFile } = fcm.simulator
    const tls = { cert: readFileSync(caFile, 'utf8'), key: readFileSync(join(caFile, '../tls-key.pem'), 'utf8') }
    const proxy = await connectProxy(t, { tls })
    const gateway = fcm.gateway({ proxyUrl: proxy.url, sessions: 1 })
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => gateway.send(pushTo('device'))))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
    assert.equal(proxy.heads.length, 2)
  })

  test('a proxy that refuses the tunnel is an outcome, and its password stays out of the log', async (t) => {
    const fcm = await simulatedFcm(t)
    const proxy = await connectProxy(t, { password: 'right' })
    const proxyUrl = proxy.url.replace('right', 'wrong-secret')
    const outcome = await fcm.gateway({ proxyUrl }).send(pushTo('device'))
    assert.equal(outcome.state, 'retry')
    assert.match(fcm.capture.text(), /refused the tunnel with 407/)
    assert.doesNotMatch(fcm.capture.text(), /wrong-secret/)
  })

  test('no key, token or target reaches the log', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    const targets = ['device', 'dead', 'reset', 'goaway', 'unavailable'].map((name) => `${name}-secret-target`)
    for (const target of targets) await gateway.send(pushTo(target))
    await outcomeOfSilence(t, fcm, 'hang-secret-target')
    await fetch(`${fcm.simulator.control.url}/tokens/revoke`, { method: 'POST' })
    await gateway.send(pushTo('device'))
    const text = fcm.capture.text()
    assert.match(text, /access token granted/)
    assert.doesNotMatch(text, /secret-target|ya29|PRIVATE KEY|eyJ/)
  })

  test('the next start keeps the key and the certificate, readable by their owner alone', async (t) => {
    const fcm = await simulatedFcm(t)
    const { credentialsFile, caFile } = fcm.simulator
    const dir = credentialsFile.slice(0, credentialsFile.lastIndexOf('/'))
    const ca = readFileSync(caFile, 'utf8')
    const again = await startFcmSimulator({ host: '127.0.0.1', port: 0, log: fcm.capture.log, dir })
    await again.close()
    const account = JSON.parse(readFileSync(again.credentialsFile, 'utf8')) as Record<string, string>
    assert.equal(account['private_key'], fcm.account['private_key'])
    assert.equal(account['token_uri'], `${again.baseUrl}/token`)
    assert.equal(readFileSync(again.caFile, 'utf8'), ca)
    for (const file of [credentialsFile, caFile]) assert.equal(statSync(file).mode & 0o777, 0o600)
  })
})

suite('OAuth token endpoint', { timeout: 60_000 }, () => {
  const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
  const nowS = Math.floor(Date.now() / 1000)

  interface Change {
    readonly form?: Record<string, string>
    readonly header?: object
    readonly claims?: object
    readonly key?: string
    readonly type?: string
  }

  const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  function ask(
    { account, simulator }: SimulatedFcm,
    change: Change,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const { client_email: iss, token_uri: aud, private_key_id: kid, private_key: key = '' } = account
    const header = base64({ alg: 'RS256', typ: 'JWT', kid, ...change.header })
    const claims = base64({ iss, aud, scope: SCOPE, iat: nowS, exp: nowS + 3600, ...change.claims })
    const signature = sign('sha256', Buffer.from(`${header}.${claims}`), change.key ?? key).toString('base64url')
    const assertion = `${header}.${claims}.${signature}`
    const body = new URLSearchParams({ grant_type: GRANT, assertion, ...change.form }).toString()
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Record<string, unknown> }>()
    const headers = { 'content-type': change.type ?? 'application/x-www-form-urlencoded' }
    const options = { method: 'POST', ca: readFileSync(simulator.caFile), agent: false, headers }
    const post = request(`${simulator.baseUrl}/token`, options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> })
      })
    })
    post.on('error', reject)
    post.end(body)
    return promise
  }

  test('grants a bearer token for an hour', async (t) => {
    const fcm = await simulatedFcm(t)
    const { status, body } = await ask(fcm, {})
    assert.equal(status, 200)
    assert.partialDeepStrictEqual(body, { token_type: 'Bearer', expires_in: 3600 })
    assert.match(String(body['access_token']), /^ya29\./)
  })

  const REFUSED: [string, Change, string, RegExp][] = [
    ['another grant type', { form: { grant_type: 'password' } }, 'unsupported_grant_type', /grant_type/],
    ['no JWT', { form: { assertion: 'x' } }, 'invalid_grant', /Invalid JWT/],
    ['another content type', { type: 'application/json' }, 'invalid_request', /urlencoded/],
    ['another issuer', { claims: { iss: 'x@example.sn' } }, 'invalid_grant', /account not found/],
    ['another audience', { claims: { aud: 'https://oauth2.googleapis.com/token' } }, 'invalid_grant', /audience/],
    ['another scope', { claims: { scope: 'email' } }, 'invalid_scope', /scope/],
    ['more than an hour', { claims: { exp: nowS + 3601 } }, 'invalid_grant', /short-lived/],
    ['an expired one', { claims: { iat: nowS - 4000, exp: nowS - 400 } }, 'invalid_grant', /reasonable timeframe/],
    ['one of the future', { claims: { iat: nowS + 900, exp: nowS + 1800 } }, 'invalid_grant', /reasonable timeframe/],
    ['another key', { key: otherKey() }, 'invalid_grant', /Invalid JWT Signature/],
    ['alg none', { header: { alg: 'none' } }, 'invalid_grant', /Invalid JWT Signature/],
    ['an unknown key id', { header: { kid: 'x' } }, 'invalid_grant', /Invalid JWT Signature/],
  ]
  test('refuses each flaw in its own words', async (t) => {
    const fcm = await simulatedFcm(t)
    for (const [name, change, error, description] of REFUSED) {
      const { status, body } = await ask(fcm, change)
      assert.equal(status, 400, name)
      assert.equal(body['error'], error, name)
      assert.match(String(body['error_description']), description, name)
    }
  })
})
