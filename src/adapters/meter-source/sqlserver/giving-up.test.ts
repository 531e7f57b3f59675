import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { until } from '#test/support/processes.ts'
import { type SicUnderTest, sicUnderTest } from '#test/support/sic-under-test.ts'
import { SqlServerClient } from './client.ts'
import type { SqlServerOptions } from './options.ts'

/** Where the client library says that a question has been put into its pool's line. */
const IN_LINE = 'tracing:mssql:pool:acquire:end'

/** What a client says, by the first byte of a TDS packet. */
const SAID = { 0x03: 'question', 0x06: 'attention', 0x12: 'greeting' } as const
type Said = (typeof SAID)[keyof typeof SAID]

/**
 * A wire to the server on which one hears what the client says; while it is `deaf`, nothing of what the server answers
 * comes back.
 */
async function tappedWire(targetPort: number) {
  const heard: Said[] = []
  /** Each closes one connection. */
  const open = new Set<() => void>()
  const held: (() => void)[] = []
  const wire = { isDeaf: false }
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1')
    const close = (): void => {
      client.destroy()
      target.destroy()
    }
    open.add(close)
    for (const socket of [client, target]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        close()
        open.delete(close)
      })
    }
    client.on('data', (chunk) => {
      const said = SAID[chunk[0] as keyof typeof SAID] as Said | undefined
      if (said !== undefined) heard.push(said)
      target.write(chunk)
    })
    target.on('data', (chunk) => {
      if (wire.isDeaf) held.push(() => client.write(chunk))
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => open.size,
    count: (what: Said) => heard.filter((said) => said === what).length,
    deafen: () => void (wire.isDeaf = true),
    /** Lets through what was held back, in order. */
    listen() {
      wire.isDeaf = false
      for (const go of held.splice(0)) go()
    },
    async [Symbol.asyncDispose]() {
      for (const close of open) close()
      server.close()
      await once(server, 'close')
    },
  }
}

const isReason = (reason: SourceUnavailable['reason']) => (error: unknown) => {
  assert.ok(error instanceof SourceUnavailable, inspect(error))
  assert.equal(error.reason, reason, inspect(error))
  return true
}

suite('a question that is given up', () => {
  let sic: SicUnderTest
  before(async () => {
    sic = await sicUnderTest()
  })
  after(() => sic[Symbol.asyncDispose]())

  /** A client with one connection, which has answered once. */
  async function connected(changed: Partial<SqlServerOptions> = {}) {
    await using opened = new AsyncDisposableStack()
    const wire = opened.use(await tappedWire(sic.port))
    const options = sic.options('SIC', { port: wire.port, poolMax: 1, ...changed })
    const client = opened.use(new SqlServerClient(options))
    const ask = async (signal?: AbortSignal): Promise<unknown> => (await client.query('SELECT 1 AS one', {}, signal))[0]
    assert.deepEqual(await ask(), { one: 1 })
    const greetings = wire.count('greeting')
    const kept = opened.move()
    return {
      wire,
      client,
      ask,
      newConnections: () => wire.count('greeting') - greetings,
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  }
  const reason = new Error('the customer has gone')
  const isGone = (error: unknown): boolean => error === reason

  test('by its asker: the server is told to stop, and once it has the connection serves the next', async () => {
    await using subject = await connected()
    const { wire, ask } = subject
    const cancel = new AbortController()
    const questions = wire.count('question')
    wire.deafen()
    const asked = assert.rejects(ask(cancel.signal), isGone)
    await until('the question is on its way', () => wire.count('question') > questions)
    cancel.abort(reason)
    await asked
    await until('the server is told', () => wire.count('attention') === 1)
    wire.listen()
    assert.deepEqual(await ask(), { one: 1 })
    assert.equal(subject.newConnections(), 0)
    assert.equal(wire.count('attention'), 1)
  })

  test('by its timeout: the same', async () => {
    await using subject = await connected({ queryTimeoutMs: 2_000 })
    const { wire, ask } = subject
    wire.deafen()
    await assert.rejects(ask(), isReason('too_slow'))
    await until('the server is told', () => wire.count('attention') === 1)
    wire.listen()
    assert.deepEqual(await ask(), { one: 1 })
    assert.equal(subject.newConnections(), 0)
  })

  test('and of which the server never says that it stopped: its connection is thrown away, the next has a new one', async () => {
    await using subject = await connected()
    const { wire, ask } = subject
    const cancel = new AbortController()
    wire.deafen()
    const questions = wire.count('question')
    const asked = assert.rejects(ask(cancel.signal), isGone)
    await until('the question is on its way', () => wire.count('question') > questions)
    cancel.abort(reason)
    await asked
    await until('the connection is closed', () => wire.connections() === 0)
    wire.listen()
    assert.deepEqual(await ask(), { one: 1 })
    assert.equal(subject.newConnections(), 1)
  })

  test('while it waits for a connection is never put; one that waits for too long is too slow', async () => {
    await using subject = await connected({ queryTimeoutMs: 2_000 })
    const { wire, ask } = subject
    wire.deafen()
    const questions = wire.count('question')
    const first = assert.rejects(ask(), isReason('too_slow'))
    await until('the question is on its way', () => wire.count('question') === questions + 1)
    const cancel = new AbortController()
    const second = assert.rejects(ask(cancel.signal), isGone)
    const third = assert.rejects(ask(), isReason('too_slow'))
    cancel.abort(reason)
    await Promise.all([first, second, third])
    wire.listen()
    assert.deepEqual(await ask(), { one: 1 })
    assert.equal(wire.count('question'), questions + 2)
    assert.ok(wire.connections() <= 1)
  })

  test('because its client closes, under way or while it waits for a connection: unreachable, and no server is waited for', async () => {
    await using subject = await connected({ queryTimeoutMs: 600_000 })
    const { wire, client, ask } = subject
    wire.deafen()
    const questions = wire.count('question')
    const first = assert.rejects(ask(), isReason('unreachable'))
    await until('the question is on its way', () => wire.count('question') > questions)
    const inLine = Promise.withResolvers<unknown>()
    subscribe(IN_LINE, inLine.resolve)
    const second = assert.rejects(ask(), isReason('unreachable'))
    await inLine.promise
    unsubscribe(IN_LINE, inLine.resolve)
    await client[Symbol.asyncDispose]()
    await Promise.all([first, second])
    await until('the connection is closed', () => wire.connections() === 0)
    assert.equal(subject.newConnections(), 0)
  })
})
