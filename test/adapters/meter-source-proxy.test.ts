import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { sqlServerPostpaidSource } from '#src/adapters/meter-source/sqlserver/postpaid-source.ts'
import { sqlServerPrepaidSource } from '#src/adapters/meter-source/sqlserver/prepaid-source.ts'
import { type PrepaidSource, SourceUnavailable } from '#src/ports/meter-source.ts'
import { until } from '#test/support/processes.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { tlsFrontOf } from '#test/support/tls-front.ts'
import { startTinyproxy, type Tinyproxy } from '#test/support/tinyproxy.ts'

const meter = { number: '14250000016', police: '210000001' }
const range = { from: '2026-01-01', to: '2027-01-01' }
const ask = (source: PrepaidSource): Promise<unknown[]> => source.sales(meter, range)

function isUnreachable(error: unknown): boolean {
  assert.ok(error instanceof SourceUnavailable, inspect(error))
  assert.equal(error.reason, 'unreachable', inspect(error))
  return true
}

/** A proxy that is none: every connection gets `behave`. Its disposal waits for the client to have left it. */
async function proxyThat(behave: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    behave(socket)
    // Unread, a connection's end is not noticed.
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      await until('the client has closed its connections', () => sockets.size === 0)
      server.close()
      await once(server, 'close')
    },
  }
}

for (const encryption of ['off', 'all'] as const) {
  suite(`the sources through a proxy, encryption ${encryption}`, () => {
    let sic: SicUnderTest
    let proxy: Tinyproxy
    before(async () => {
      sic = await sicUnderTest(encryption)
      proxy = await startTinyproxy()
      await sic.insert('HEXING_SENELECBILL_ALHDL2', [
        { NUMERO_COMMANDE: 'N1', NUMERO_COMPTEUR: meter.number, POLICE: meter.police, DATE_TRANSACTION: '2026-03-10' },
      ])
      await sic.insert('Historique', [{ IDHistorique: '1', numCC: '310000001', DATFACT: '2026-03-05' }])
    })
    after(async () => {
      await proxy[Symbol.asyncDispose]()
      await sic[Symbol.asyncDispose]()
    })
    const options = (database: 'SIC' | 'HISTH2MC', proxyUrl: URL) =>
      sic.options(database, { encrypt: encryption, proxyUrl })

    test('both answer', async () => {
      await using prepaid = sqlServerPrepaidSource(options('SIC', proxy.url))
      await using postpaid = sqlServerPostpaidSource(options('HISTH2MC', proxy.url))
      assert.equal((await ask(prepaid)).length, 1)
      assert.equal((await postpaid.bills('310000001', range)).length, 1)
    })

    test('a proxy over TLS is trusted by the authorities of the sources, and by no other', async () => {
      await using front = await tlsFrontOf(proxy.url)
      const certificateAuthority = `${sic.certificateAuthority ?? ''}${front.certPem}`
      await using trusting = sqlServerPrepaidSource({ ...options('SIC', front.url), certificateAuthority })
      assert.equal((await ask(trusting)).length, 1)
      await using source = sqlServerPrepaidSource(options('SIC', front.url))
      await assert.rejects(ask(source), (error) => {
        assert.match(inspect(error), /self-signed certificate/)
        return isUnreachable(error)
      })
    })

    test('a proxy that is killed in between makes the source unreachable; once it is back the next question is answered', async () => {
      await using source = sqlServerPrepaidSource(options('SIC', proxy.url))
      assert.equal((await ask(source)).length, 1)
      await proxy.stop()
      await assert.rejects(ask(source), isUnreachable)
      await assert.rejects(ask(source), isUnreachable)
      await proxy.start()
      assert.equal((await ask(source)).length, 1)
    })

    test('a proxy that is not given its password refuses, and no password is told', async () => {
      const wrong = new URL(proxy.url)
      wrong.password = 'not-the-password-at-all'
      await using source = sqlServerPrepaidSource(options('SIC', wrong))
      await assert.rejects(ask(source), (error) => {
        const told = inspect(error, { depth: 10, showHidden: true })
        assert.match(told, /the proxy 127\.0\.0\.1:\d+ refused the tunnel with 40[17]/)
        assert.doesNotMatch(told, /not-the-password-at-all/)
        return isUnreachable(error)
      })
    })

    test('a proxy that cannot reach the source makes it unreachable', async () => {
      await using nothing = await proxyThat(() => {})
      const port = Number(nothing.url.port)
      await nothing[Symbol.asyncDispose]()
      await using source = sqlServerPrepaidSource({ ...options('SIC', proxy.url), port })
      await assert.rejects(ask(source), isUnreachable)
    })
  })
}

/** A question and a connection that nothing but the close would end. */
const ENDLESS = { connectTimeoutMs: 600_000, queryTimeoutMs: 600_000 }

suite('a proxy that is none', () => {
  const access = {
    host: 'sic.example',
    port: 1433,
    database: 'SIC',
    user: 'reader',
    password: 'for-the-tests-alone',
    encrypt: 'off',
    trustServerCertificate: false,
    poolMax: 2,
  } as const
  const answers =
    (text: string) =>
    (socket: Socket): void =>
      void socket.once('data', () => socket.write(text))
  const wrong: readonly (readonly [string, (socket: Socket) => void])[] = [
    ['says nothing', () => {}],
    ['hangs up', (socket) => socket.destroy()],
    ['hangs up in mid-answer', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 Conn'))],
    ['does not speak HTTP', (socket) => socket.write('220 mail.example ESMTP\r\n\r\n')],
    ['wants a password', answers('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!')],
    ['cannot get through', answers('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
    ['never ends its answer', answers(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}`)],
    ['opens the tunnel and says nothing', answers('HTTP/1.1 200 OK\r\n\r\n')],
    ['opens the tunnel and goes on talking', answers('HTTP/1.1 200 OK\r\n\r\n<html>Welcome</html>')],
    ['opens the tunnel and hangs up', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'))],
  ]
  for (const [what, behave] of wrong) {
    test(`one that ${what} makes the source unreachable, again and again, and closing ends`, async () => {
      await using proxy = await proxyThat(behave)
      await using source = sqlServerPrepaidSource({
        ...access,
        proxyUrl: proxy.url,
        connectTimeoutMs: 300,
        queryTimeoutMs: 300,
      })
      await assert.rejects(ask(source), isUnreachable)
      await assert.rejects(ask(source), isUnreachable)
    })
  }

  test('closing does not wait for one that says nothing, nor for what lies behind its tunnel', async () => {
    for (const says of ['', 'HTTP/1.1 200 OK\r\n\r\n']) {
      const met = Promise.withResolvers<void>()
      await using proxy = await proxyThat((socket) => {
        socket.once('data', () => {
          socket.write(says)
          // The tunnel is spoken through once its head has been read.
          if (says === '') met.resolve()
          else socket.once('data', () => met.resolve())
        })
      })
      const source = sqlServerPrepaidSource({ ...access, ...ENDLESS, proxyUrl: proxy.url })
      const asked = assert.rejects(ask(source), isUnreachable)
      await met.promise
      await source[Symbol.asyncDispose]()
      await asked
    }
  })
})
