import assert from 'node:assert/strict'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { addToOutbox } from '#src/modules/outbox/outbox.ts'
import { testApi, type TestApi } from '#test/support/api.ts'
import { aCustomer } from '#test/support/factories.ts'
import { CALLERS, objectTypeOf, policyWorld } from '#test/support/policy-world.ts'
import { get, logIn } from '#test/support/requests.ts'

let api: TestApi
let port: number
before(async () => {
  api = await testApi()
  port = Number(new URL(await api.server.app.listen({ port: 0, host: '127.0.0.1' })).port)
})
after(() => api[Symbol.asyncDispose]())

interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly request_id: string
  readonly most_bytes?: number
  readonly errors?: readonly { path: string; fr: string; en: string }[]
}

test('a problem has a stable code, the language asked for, and the id of its request', async () => {
  const { app } = api.server
  const french = await app.inject({ url: '/api/users/x', headers: { 'x-request-id': 'trace-42' } })
  assert.equal(french.statusCode, 401)
  assert.match(String(french.headers['content-type']), /^application\/problem\+json/)
  const problem = french.json<Problem>()
  assert.equal(problem.code, 'http/unauthenticated')
  assert.equal(problem.request_id, 'trace-42')
  assert.equal(french.headers['x-request-id'], 'trace-42')
  assert.match(problem.detail, /Connectez-vous/)
  const english = await app.inject({ url: '/api/users/x', headers: { 'accept-language': 'en' } })
  assert.match(english.json<Problem>().detail, /Log in/)
  const forged = await app.inject({ url: '/health', headers: { 'x-request-id': 'a\u0000b'.repeat(40) } })
  assert.match(String(forged.headers['x-request-id']), /^[0-9a-f-]{36}$/)
})

test('a problem says its language, and that Accept-Language chose it', async () => {
  const { app } = api.server
  for (const [accepted, language] of [
    ['fr', 'fr'],
    ['en, fr;q=0.5', 'en'],
    ['wo', 'fr'],
  ]) {
    for (const url of ['/api/users/x', '/api/nothing-here', '/api/%zz']) {
      const { headers, statusCode } = await app.inject({ url, headers: { 'accept-language': accepted } })
      assert.ok(statusCode >= 400)
      assert.deepEqual([headers['content-language'], headers['vary']], [language, 'Accept-Language'], url)
    }
  }
})

const badBodies: readonly [what: string, payload: string, code: string, path?: string][] = [
  ['malformed JSON', '{"phone": ', 'http/malformed-json'],
  ['no body', '', 'http/invalid-request'],
  ['an array', '[]', 'http/invalid-request'],
  ['a number for text', '{"phone": 221770000001, "pin": "2468"}', 'http/invalid-request', '/phone'],
  ['an unknown field', '{"phone": "+221770000001", "pin": "2468", "role": "admin"}', 'http/invalid-request', '/role'],
  ['a missing field', '{"phone": "+221770000001"}', 'http/invalid-request', '/pin'],
  ['a foreign phone', '{"phone": "+33612345678", "pin": "2468"}', 'accounts/invalid-phone'],
  ['a poisoned prototype', '{"phone": "+221770000001", "pin": "2468", "__proto__": {"x": 1}}', 'http/malformed-json'],
  [
    'a platform that is none',
    '{"phone": "+221770000001", "pin": "2468", "device": {"platform": "fridge"}}',
    'http/invalid-request',
    '/device/platform',
  ],
]

for (const [what, payload, code, path] of badBodies) {
  test(`a login with ${what} is refused with ${code}`, async () => {
    const answer = await api.server.app.inject({
      method: 'POST',
      url: '/api/login',
      payload,
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(answer.statusCode, 400, answer.body)
    const problem = answer.json<Problem>()
    assert.equal(problem.code, code)
    if (path !== undefined) {
      const paths = (problem.errors ?? []).map((error) => error.path)
      assert.ok(paths.includes(path), paths.join(' '))
    }
  })
}

test('another content type is 415, an unknown route 404', async () => {
  const { app } = api.server
  const text = await app.inject({
    method: 'POST',
    url: '/api/login',
    payload: 'x',
    headers: { 'content-type': 'text/plain' },
  })
  assert.equal(text.statusCode, 415)
  const unknown = await get(app, '/api/nothing-here')
  assert.equal(unknown.statusCode, 404)
  assert.equal(unknown.json<Problem>().code, 'http/not-found')
})

test('no read of the API ignores a parameter that it does not know', async () => {
  // A world leaves messages in the outbox, which is measured below.
  await using peopled = await testApi()
  const { app, routeTable } = peopled.server
  const world = await policyWorld(peopled)
  const isRead = ({ method, url }: { method: string; url: string }): boolean =>
    ['GET', 'HEAD'].includes(method) && url.startsWith('/api/') && url !== '/api/events'
  const reads = routeTable.filter(isRead)
  assert.ok(reads.length > 20, `${reads.length} routes`)
  for (const { method, url, policy } of reads) {
    const statuses = await Promise.all(
      CALLERS.map(async (caller) => {
        const path = url.replaceAll(/:(\w+)/g, (_, name: string) =>
          policy.kind === 'object' && policy.param === name
            ? world.objectId(objectTypeOf(policy), caller, 'own')
            : randomUUID(),
        )
        const headers = { authorization: `Bearer ${world.token(caller)}` }
        const answer = await app.inject({ method: method as 'GET', url: `${path}?at=2020-01-01`, headers })
        if (answer.statusCode === 400 && method === 'GET') {
          const problem = answer.json<Problem>()
          assert.deepEqual(
            [problem.code, problem.errors?.map((error) => error.path)],
            ['http/invalid-request', ['/at']],
          )
        }
        return answer.statusCode
      }),
    )
    // Those whom the policy refuses are told that; it lets somebody pass.
    const told = `${method} ${url}: ${statuses.join(' ')}`
    assert.ok(statuses.includes(400) && statuses.every((status) => status >= 400), told)
  }
})

test('streams and what is not of the API take parameters as they come', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const { access_token } = await logIn(app, { phone, pin })
  const stream = await app.inject({
    url: '/api/events?lastEventId=1',
    headers: { authorization: `Bearer ${access_token}`, 'last-event-id': 'from elsewhere' },
  })
  assert.equal(stream.json<Problem>().code, 'inbox/invalid-event-id')
  for (const url of ['/health', '/ready', '/openapi.json', '/docs/']) {
    assert.equal((await app.inject({ url: `${url}?v=1` })).statusCode, 200, url)
  }
})

test('an identifier in capitals names the same object', async () => {
  const { app } = api.server
  const { phone, pin } = await aCustomer(api.database.db)
  const { user, access_token } = await logIn(app, { phone, pin })
  const profile = await get(app, `/api/users/${user.id.toUpperCase()}`, access_token)
  assert.equal(profile.json<{ id: string }>().id, user.id)
  const consumption = await get(app, `/api/consumption/${user.id.toUpperCase()}`, access_token)
  assert.equal(consumption.json<{ user_id: string }>().user_id, user.id)
  assert.equal((await get(app, `/api/users/${user.id.toUpperCase()}/notifications`, access_token)).statusCode, 200)
})

test('what a real socket sends is answered as a problem too: a body of 10 MB, broken HTTP, endless headers', async () => {
  const huge = await fetch(`http://127.0.0.1:${port}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ phone: 'x'.repeat(10 * 1024 * 1024), pin: '1' }),
  })
  assert.equal(huge.status, 413)
  const { code, most_bytes } = (await huge.json()) as Problem
  assert.deepEqual([code, most_bytes], ['http/body-too-large', 64 * 1024])
  const nonsense = await sendRaw('NONSENSE\r\n\r\n')
  assert.match(nonsense, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/)
  assert.match(nonsense, /^Content-Language: fr\r$/m)
  const headers = `GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`
  assert.match(await sendRaw(headers), /^HTTP\/1\.1 431 /)
  assert.match(await sendRaw('GET /api/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /)
})

test('who is told that a body is too large can send the rest of it, and then ask again', async () => {
  const rest = 'x'.repeat(1024 * 1024)
  for (const length of [`Content-Length: ${rest.length}`, 'Transfer-Encoding: chunked']) {
    const head = `POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${length}\r\n\r\n`
    const isChunked = length.startsWith('T')
    const first = isChunked ? `${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n` : ''
    const last = isChunked ? `${rest.length.toString(16)}\r\n${rest}\r\n0\r\n\r\n` : rest
    const socket = connect(port, '127.0.0.1', () => socket.write(head + first))
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      if (answer === '') socket.end(`${last}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      answer += chunk
    })
    await once(socket, 'close')
    assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413', 'HTTP/1.1 200'], length)
  }
})

function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (answer += chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

test('the description lists every route, marks the guarded ones and is OpenAPI 3.1', async () => {
  const description = (await get(api.server.app, '/openapi.json')).json<{
    openapi: string
    paths: Record<string, Record<string, { security?: unknown[] }>>
  }>()
  assert.equal(description.openapi, '3.1.0')
  for (const { method, url, policy } of api.server.routeTable) {
    if (method === 'HEAD' || url.startsWith('/docs') || ['/openapi.json', '/metrics'].includes(url)) continue
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    const operation = description.paths[path]?.[method.toLowerCase()]
    assert.ok(operation !== undefined, `${method} ${path} is not described`)
    assert.equal(operation.security !== undefined, policy.kind !== 'public', `${method} ${path}`)
  }
})

test('every body and every answer with one has an example that its own schema accepts', async () => {
  interface Media {
    readonly schema: object
    readonly example?: unknown
    readonly examples?: Record<string, { readonly value: unknown }>
  }
  interface Operation {
    readonly requestBody?: { readonly content: Record<string, Media> }
    readonly responses: Record<string, { readonly content?: Record<string, Media> }>
  }
  const description = (await get(api.server.app, '/openapi.json')).json<{
    paths: Record<string, Record<string, Operation>>
  }>()
  const ajv = new Ajv({ strict: false, discriminator: true })
  addFormats.default(ajv)
  const check = (what: string, media: Media | undefined): void => {
    if (media === undefined) return
    const { schema } = media
    const several = Object.values(media.examples ?? {}).map(({ value }) => value)
    const examples = media.example === undefined ? several : [media.example]
    assert.ok(examples.length > 0, `${what} has no example`)
    for (const example of examples) assert.ok(ajv.validate(schema, example), `${what}: ${ajv.errorsText()}`)
  }
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(operations)) {
      check(`${method} ${path}`, requestBody?.content['application/json'])
      for (const [status, { content }] of Object.entries(responses)) {
        check(`${status} of ${method} ${path}`, content?.['application/json'])
      }
    }
  }
})

test('the page to try the API is served whole from here', async () => {
  const { app } = api.server
  const page = await app.inject({ url: '/docs/' })
  assert.equal(page.statusCode, 200)
  const addresses = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
  assert.ok(addresses.length > 2)
  for (const address of addresses) {
    assert.ok(!address.startsWith('http'), address)
    const url = new URL(address, 'http://x/docs/').pathname
    assert.equal((await app.inject({ url })).statusCode, 200, url)
  }
})

test('metrics are for loopback, never through a proxy', async () => {
  const { app } = api.server
  const local = await app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })
  assert.equal(local.statusCode, 200)
  assert.match(local.body, /http_request_duration_seconds_bucket\{.*route="\/api\/login"/)
  const { db } = api.database
  const due = {
    key: 'k',
    taskId: randomUUID(),
    task: 't',
    queue: 'q',
    priority: 5,
    kwargs: {},
    notBefore: new Date(Date.now() - 60_000),
  }
  await addToOutbox(db, [due])
  const { body } = await app.inject({ url: '/metrics', remoteAddress: '127.0.0.1' })
  assert.match(body, /^outbox_waiting 1$/m)
  assert.ok(Number(/^outbox_oldest_seconds (\S+)$/m.exec(body)?.[1]) >= 60, 'the lag of the outbox')
  assert.match(body, /^dependency_up\{dependency="database"\} 1$/m)
  assert.equal((await app.inject({ url: '/metrics', remoteAddress: '203.0.113.9' })).statusCode, 404)
  const proxied = await app.inject({
    url: '/metrics',
    remoteAddress: '127.0.0.1',
    headers: { 'x-forwarded-for': '1.2.3.4' },
  })
  assert.equal(proxied.statusCode, 404)
})
