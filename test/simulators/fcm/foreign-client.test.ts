import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSign } from 'node:crypto'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { type SimulatedFcm, simulatedFcm } from './support.ts'

const run = promisify(execFile)

/** curl, a client that is not ours. Where it is missing the test fails and says what installs it. */
async function curl(...args: string[]): Promise<{ status: number; version: string; headers: string; body: string }> {
  const format = '\n%{http_code} %{http_version}'
  const { stdout } = await run('curl', ['-sS', '-i', '--max-time', '20', '-w', format, ...args]).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      throw new Error('curl is not there: apt-get install -y curl', { cause: error })
    },
  )
  const end = stdout.lastIndexOf('\n')
  const [status, version = ''] = stdout.slice(end + 1).split(' ')
  const [headers = '', ...body] = stdout.slice(0, end).split('\r\n\r\n')
  return { status: Number(status), version, headers: headers.toLowerCase(), body: body.join('\r\n\r\n') }
}

async function bearer({ account, simulator }: SimulatedFcm): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const scope = 'https://www.googleapis.com/auth/firebase.messaging'
  const claims = { iss: account['client_email'], aud: account['token_uri'], scope, iat, exp: iat + 600 }
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = createSign('RSA-SHA256')
    .update(signed)
    .sign(account['private_key'] ?? '', 'base64url')
  const grant = 'grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer'
  const form = ['--data-urlencode', grant, '--data-urlencode', `assertion=${signed}.${signature}`]
  const { body } = await curl('--cacert', simulator.caFile, ...form, account['token_uri'] ?? '')
  return (JSON.parse(body) as { access_token: string }).access_token
}

suite('curl against the FCM simulator', { timeout: 60_000 }, () => {
  for (const [flag, version] of [
    ['--http2', '2'],
    ['--http1.1', '1.1'],
  ] as const) {
    test(`sends, is refused and is limited over HTTP/${version}`, async (t) => {
      const fcm = await simulatedFcm(t)
      const { baseUrl, caFile, control } = fcm.simulator
      const url = `${baseUrl}/v1/projects/${fcm.account['project_id']}/messages:send`
      const token = await bearer(fcm)
      const send = (message: object, ...more: string[]) =>
        curl(
          flag,
          '--cacert',
          caFile,
          '-H',
          `Authorization: Bearer ${token}`,
          ...more,
          '--json',
          JSON.stringify({ message }),
          url,
        )

      const sent = await send({ token: 'device', notification: { title: 'T' } })
      assert.equal(sent.status, 200)
      assert.equal(sent.version, version)
      assert.match(sent.headers, /content-type: application\/json/)
      const { name } = JSON.parse(sent.body) as { name: string }
      assert.match(name, new RegExp(`^projects/${fcm.account['project_id']}/messages/`))
      const listed = control.received.list({ target: 'device', limit: 1 })
      assert.deepEqual(
        listed.map(({ protocol }) => protocol),
        [version === '2' ? 'h2' : '1.1'],
      )

      const dead = await send({ token: 'dead-1' })
      assert.equal(dead.status, 404)
      assert.match(dead.body, /"errorCode": "UNREGISTERED"/)
      const limited = await send({ token: 'quota-1' })
      assert.equal(limited.status, 429)
      assert.match(limited.headers, /retry-after: 60/)
      const unknown = await send({ token: 'device', colour: 'red' })
      assert.equal(unknown.status, 400)
      assert.match(unknown.body, /Unknown name \\"colour\\" at 'message'/)
      const anonymous = await curl(flag, '--cacert', caFile, '--json', '{"message":{"token":"t"}}', url)
      assert.equal(anonymous.status, 401)
      assert.match(anonymous.headers, /www-authenticate: bearer/)
      assert.match(anonymous.body, /CREDENTIALS_MISSING/)
      const foreign = await curl(
        flag,
        '--cacert',
        caFile,
        '-H',
        `Authorization: Bearer ${token}`,
        '--json',
        '{"message":{"token":"t"}}',
        `${baseUrl}/v1/projects/other/messages:send`,
      )
      assert.equal(foreign.status, 403)
      assert.match(foreign.body, /PERMISSION_DENIED/)
      await assert.rejects(send({ token: 'reset-1' }), /curl: \((92|52|56)\)/)
      await assert.rejects(send({ token: 'half-1' }, '--max-time', '1'), /curl: \(28\)/)
    })
  }

  test('the control routes answer in plain HTTP, each mistake with what would do', async (t) => {
    const fcm = await simulatedFcm(t)
    const { url } = fcm.simulator.control
    const added = await curl('-d', '{"match":{"prefix":"x-"},"action":{"delay_ms":5},"count":1}', `${url}/rules`)
    assert.equal(added.status, 201)
    assert.match(added.body, /"id":1,"hits":0/)
    assert.equal((await curl(`${url}/rules`)).body.includes('"prefix":"x-"'), true)
    assert.equal((await curl('-X', 'DELETE', `${url}/rules?id=1`)).body.trim(), '{"removed":1}')
    assert.equal((await curl('-X', 'DELETE', `${url}/rules?id=1`)).status, 404)
    for (const [args, demand] of [
      [['-d', '{', `${url}/rules`], /must be JSON/],
      [['-d', '{"action":{"eror":"X"}}', `${url}/rules`], /no field \\"eror\\"/],
      [[`${url}/messages?limit=0`], /limit must be a whole number from 1 to 1000/],
      [[`${url}/messages?since=yesterday`], /sequence number or an ISO 8601 time/],
      [[`${url}/messages?user=1`], /there is no user/],
      [['-X', 'DELETE', `${url}/rules?id=one`], /id must be a whole number/],
    ] as [string[], RegExp][]) {
      const answer = await curl(...args)
      assert.equal(answer.status, 400, args.join(' '))
      assert.match(answer.body, demand)
    }
    assert.match((await curl(`${url}/nowhere`)).body, /GET \/messages\/count/)
  })
})
