import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { SqlError } from '#src/simulators/sic/sql-error.ts'
import { encodeMessage, PACKET } from '#src/simulators/sic/tds/packet.ts'
import { ENCRYPT, type EncryptByte, encodePrelogin } from '#src/simulators/sic/tds/prelogin.ts'
import { done, error as errorToken } from '#src/simulators/sic/tds/tokens.ts'
import { until } from '#test/support/processes.ts'
import { SqlServerClient } from './client.ts'
import type { SqlServerOptions } from './options.ts'

const PASSWORD = 'a-password-nobody-prints'

function optionsFor(port: number, changed: Partial<SqlServerOptions> = {}): SqlServerOptions {
  return {
    host: '127.0.0.1',
    port,
    database: 'SIC',
    user: 'reader',
    password: PASSWORD,
    encrypt: 'off',
    trustServerCertificate: false,
    connectTimeoutMs: 300,
    queryTimeoutMs: 300,
    poolMax: 2,
    ...changed,
  }
}

/** A listener that is no SQL Server: every connection gets `behave`. Its disposal waits for the client to have left it. */
async function listenerThat(behave: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const connected = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    connected.resolve()
    behave(socket)
    // Unread, a connection's end is not noticed.
    socket.resume()
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    port: address.port,
    connected: connected.promise,
    async [Symbol.asyncDispose]() {
      await until('the client has closed its connections', () => sockets.size === 0)
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}

const answerOf = (payload: Buffer): Buffer => Buffer.concat(encodeMessage(PACKET.tabularResult, payload))
const greeting = (encryption: EncryptByte): Buffer => answerOf(encodePrelogin(encryption))

async function failureOf(client: SqlServerClient): Promise<SourceUnavailable> {
  const error: unknown = await client.query('SELECT 1', {}).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof SourceUnavailable, String(error))
  assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), new RegExp(PASSWORD))
  return error
}

suite('a SQL Server that is none', () => {
  test('nothing listens: unreachable', async () => {
    await using listener = await listenerThat(() => {})
    await listener[Symbol.asyncDispose]()
    await using client = new SqlServerClient(optionsFor(listener.port))
    assert.equal((await failureOf(client)).reason, 'unreachable')
  })

  test('a listener that says nothing: unreachable once the connect timeout is over, at every encryption', async () => {
    await using listener = await listenerThat(() => {})
    for (const encrypt of ['off', 'all', 'strict'] as const) {
      await using client = new SqlServerClient(optionsFor(listener.port, { encrypt }))
      assert.equal((await failureOf(client)).reason, 'unreachable')
    }
  })

  test('a listener that hangs up: unreachable, and asked anew each time', async () => {
    let connections = 0
    await using listener = await listenerThat((socket) => {
      connections += 1
      socket.destroy()
    })
    await using client = new SqlServerClient(optionsFor(listener.port, { connectTimeoutMs: 600_000 }))
    assert.equal((await failureOf(client)).reason, 'unreachable')
    assert.equal((await failureOf(client)).reason, 'unreachable')
    assert.equal(connections, 2)
  })

  test('a listener that answers nonsense in the right frame: malformed', async () => {
    const nonsense = Buffer.from([4, 1, 0, 20, 0, 0, 1, 0, ...Array.from({ length: 12 }, () => 9)])
    await using listener = await listenerThat((socket) => socket.on('data', () => socket.write(nonsense)))
    await using client = new SqlServerClient(optionsFor(listener.port, { connectTimeoutMs: 600_000 }))
    assert.equal((await failureOf(client)).reason, 'malformed')
  })

  test('a listener that greets half-way and stops: unreachable, again and again, and closing ends', async () => {
    // A packet of the greeting that announces another one, which never comes.
    const half = Buffer.from([4, 0, 0, 14, 0, 0, 1, 0, 0, 0, 26, 0, 6, 1])
    await using listener = await listenerThat((socket) => socket.on('data', () => socket.write(half)))
    await using client = new SqlServerClient(optionsFor(listener.port))
    assert.equal((await failureOf(client)).reason, 'unreachable')
    assert.equal((await failureOf(client)).reason, 'unreachable')
  })

  test('a server that greets and leaves the TLS handshake where it is: unreachable, again and again', async () => {
    await using listener = await listenerThat((socket) => socket.once('data', () => socket.write(greeting(ENCRYPT.on))))
    await using client = new SqlServerClient(optionsFor(listener.port, { encrypt: 'all' }))
    assert.equal((await failureOf(client)).reason, 'unreachable')
    assert.equal((await failureOf(client)).reason, 'unreachable')
  })

  test('a server that has no room for a login: refused, and asked for one login a question', async () => {
    const noRoom = new SqlError(40_501, 'The service is currently busy.', { severity: 14 })
    const refusal = answerOf(Buffer.concat([errorToken(noRoom), done({ kind: 'statement', isError: true })]))
    let logins = 0
    await using listener = await listenerThat((socket) => {
      socket.once('data', () => {
        socket.write(greeting(ENCRYPT.notSupported))
        socket.on('data', () => {
          logins += 1
          socket.write(refusal)
        })
      })
    })
    await using client = new SqlServerClient(optionsFor(listener.port, { connectTimeoutMs: 600_000 }))
    assert.equal((await failureOf(client)).reason, 'refused')
    assert.equal(logins, 1)
  })

  test('a cancelled question rejects with its reason while the connection is still tried', async () => {
    await using listener = await listenerThat(() => {})
    await using client = new SqlServerClient(optionsFor(listener.port, { connectTimeoutMs: 600_000 }))
    const cancel = new AbortController()
    const asked = client.query('SELECT 1', {}, cancel.signal)
    await listener.connected
    const reason = new Error('the customer has gone')
    cancel.abort(reason)
    await assert.rejects(asked, (error) => error === reason)
  })

  test('closing does not wait for a connection that is tried, at any encryption', async () => {
    const greeters: readonly (readonly [SqlServerOptions['encrypt'], Buffer])[] = [
      ['off', Buffer.alloc(0)],
      ['off', greeting(ENCRYPT.notSupported)],
      ['all', greeting(ENCRYPT.on)],
      ['strict', Buffer.alloc(0)],
    ]
    for (const [encrypt, says] of greeters) {
      const heard = Promise.withResolvers<void>()
      await using listener = await listenerThat((socket) => {
        socket.once('data', () => {
          socket.write(says)
          if (says.length === 0) heard.resolve()
          else socket.once('data', () => heard.resolve())
        })
      })
      const client = new SqlServerClient(optionsFor(listener.port, { encrypt, connectTimeoutMs: 600_000 }))
      const asked = failureOf(client)
      await heard.promise
      await client[Symbol.asyncDispose]()
      assert.equal((await asked).reason, 'unreachable')
    }
  })

  test('closing twice, before the first question and after, is safe; a closed client answers nothing', async () => {
    const client = new SqlServerClient(optionsFor(1))
    await client[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
    assert.equal((await failureOf(client)).reason, 'unreachable')
  })
})
