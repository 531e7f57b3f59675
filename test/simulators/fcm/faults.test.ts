import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { type PushOutcome } from '#src/ports/push-gateway.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { freePort } from '#test/support/free-port.ts'
import { until } from '#test/support/processes.ts'
import { connectProxy } from './connect-proxy.ts'
import { outcomeOfSilence, type SimulatedFcm, simulatedFcm } from './support.ts'

const outcomesOf = ({ simulator }: SimulatedFcm, target: string): string[] =>
  simulator.control.received.list({ target, limit: 100 }).map(({ outcome }) => outcome)

const sentOf = (outcomes: readonly PushOutcome[]): number => outcomes.filter(({ state }) => state === 'sent').length

suite('pushes through faults', { timeout: 60_000 }, () => {
  test('streams that a GOAWAY disowns are sent again on a new connection, once each', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway({ sessions: 1 })
    await gateway.send(pushTo('first'))
    await fcm.rule({ match: { target: 'device-50' }, action: { goaway: true }, count: 1 })
    const targets = Array.from({ length: 300 }, (_, at) => `device-${at}`)
    const outcomes = await Promise.all(targets.map((target) => gateway.send(pushTo(target))))
    assert.equal(sentOf(outcomes), 300)
    assert.deepEqual(outcomesOf(fcm, 'device-50'), ['goaway', 'sent'])
    for (const target of targets.filter((one) => one !== 'device-50')) {
      assert.deepEqual(outcomesOf(fcm, target), ['sent'])
    }
  })

  test('a GOAWAY with an error disowns streams just as well', async (t) => {
    const fcm = await simulatedFcm(t)
    const { caFile } = fcm.simulator
    const peer = createSecureServer({ cert: readFileSync(caFile), key: readFileSync(join(caFile, '../tls-key.pem')) })
    const received: number[] = []
    peer.on('session', (session) => session.on('error', () => undefined))
    peer.on('stream', (stream) => {
      stream.on('error', () => undefined)
      received.push(stream.id ?? 0)
      if (received.length === 2) {
        return stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, received[0])
      }
      stream.respond({ ':status': 200 })
      stream.end('{"name":"projects/p/messages/1"}')
    })
    peer.listen(0, '127.0.0.1')
    await once(peer, 'listening')
    t.after(() => peer.close())
    const baseUrl = `https://127.0.0.1:${(peer.address() as AddressInfo).port}`
    const gateway = fcm.gateway({ baseUrl, sessions: 1 })
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    assert.deepEqual(received, [1, 3, 1])
    await gateway[Symbol.asyncDispose]()
  })

  test('a peer that closes before it begins to speak is unreachable at once, not when patience ends', async (t) => {
    const fcm = await simulatedFcm(t)
    const { caFile } = fcm.simulator
    const [cert, key] = [readFileSync(caFile), readFileSync(join(caFile, '../tls-key.pem'))]
    const peer = createTlsServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => socket.destroy())
    peer.listen(0, '127.0.0.1')
    await once(peer, 'listening')
    t.after(() => peer.close())
    const baseUrl = `https://127.0.0.1:${(peer.address() as AddressInfo).port}`
    const outcome = await fcm.gateway({ baseUrl, connectTimeoutMs: 600_000 }).send(pushTo('device'))
    assert.deepEqual(outcome, { state: 'retry', reason: 'UNREACHABLE', afterMs: 10_000, maybeSent: false })
  })

  test('a GOAWAY on the very first stream is survived too', async (t) => {
    const fcm = await simulatedFcm(t)
    await fcm.rule({ match: {}, action: { goaway: true }, count: 1 })
    assert.equal((await fcm.gateway().send(pushTo('device'))).state, 'sent')
    assert.deepEqual(outcomesOf(fcm, 'device'), ['goaway', 'sent'])
  })

  test('connections that the peer leaves between pushes are replaced', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    for (let round = 0; round < 3; round += 1) {
      assert.partialDeepStrictEqual(await gateway.send(pushTo('device')), { state: 'sent' })
      await fetch(`${fcm.simulator.control.url}/goaway`, { method: 'POST' })
    }
  })

  test('pushes under way when the peer leaves are answered, and not sent again', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    await gateway.send(pushTo('first'))
    await fcm.rule({ match: {}, action: { delay_ms: 200 } })
    const sent = ['a', 'b', 'c'].map((target) => gateway.send(pushTo(target)))
    await until('all of them are there', () => fcm.simulator.control.received.list({ limit: 10 }).length === 4)
    await fetch(`${fcm.simulator.control.url}/goaway`, { method: 'POST' })
    assert.equal(sentOf(await Promise.all(sent)), 3)
    for (const target of ['a', 'b', 'c']) assert.deepEqual(outcomesOf(fcm, target), ['sent'])
  })

  test('a refused stream is sent again once, then left to the caller as not sent', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    await fcm.rule({ match: { target: 'once' }, action: { refuse: true }, count: 1 })
    assert.equal((await gateway.send(pushTo('once'))).state, 'sent')
    const always = await gateway.send(pushTo('refuse-1'))
    assert.deepEqual(always, { state: 'retry', reason: 'NOT_PROCESSED', afterMs: 10_000, maybeSent: false })
    assert.deepEqual(outcomesOf(fcm, 'refuse-1'), ['refuse', 'refuse'])
  })

  test('reset-1 leaves the outcome unknown and is not sent again', async (t) => {
    const fcm = await simulatedFcm(t)
    const outcome = await fcm.gateway().send(pushTo('reset-1'))
    assert.deepEqual(outcome, { state: 'retry', reason: 'RESET', afterMs: 10_000, maybeSent: true })
    assert.equal(outcomesOf(fcm, 'reset-1').length, 1)
  })

  for (const target of ['hang-1', 'half-1']) {
    test(`${target} leaves the outcome unknown and is not sent again`, async (t) => {
      const fcm = await simulatedFcm(t)
      const outcome = await outcomeOfSilence(t, fcm, target)
      assert.deepEqual(outcome, { state: 'retry', reason: 'TIMEOUT', afterMs: 10_000, maybeSent: true })
      assert.equal(outcomesOf(fcm, target).length, 1)
    })
  }

  test('a stuck push holds up no other on the same connection', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway({ sessions: 1 })
    const stop = new AbortController()
    const stuck = gateway.send(pushTo('hang-1'), stop.signal)
    await until('it is stuck', () => outcomesOf(fcm, 'hang-1').length === 1)
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    stop.abort()
    assert.deepEqual(await stuck, { state: 'retry', reason: 'ABORTED', afterMs: 10_000, maybeSent: true })
  })

  test('a push can be aborted while it waits for its answer', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway()
    const abort = new AbortController()
    const hung = gateway.send(pushTo('hang-1'), abort.signal)
    while (outcomesOf(fcm, 'hang-1').length === 0) await new Promise(setImmediate)
    abort.abort()
    assert.deepEqual(await hung, { state: 'retry', reason: 'ABORTED', afterMs: 10_000, maybeSent: true })
  })

  test('a peer that died is an outcome, and is found again when it is back', async (t) => {
    // It goes away and comes back: to a port that no connection to elsewhere takes meanwhile.
    const fcm = await simulatedFcm(t, { port: await freePort() })
    const gateway = fcm.gateway()
    assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    const hung = gateway.send(pushTo('hang-1'))
    while (outcomesOf(fcm, 'hang-1').length === 0) await new Promise(setImmediate)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await fetch(`${fcm.simulator.control.url}/die?for_ms=300`, { method: 'POST' })
    const lost = { state: 'retry', reason: 'CONNECTION_LOST', afterMs: 10_000, maybeSent: true }
    assert.deepEqual(await hung, lost)
    const away = await gateway.send(pushTo('device'))
    assert.deepEqual(away, { state: 'retry', reason: 'UNREACHABLE', afterMs: 10_000, maybeSent: false })
    t.mock.timers.tick(300)
    t.mock.timers.reset()
    let outcome: PushOutcome = away
    while (outcome.state === 'retry') {
      await new Promise((resolve) => setTimeout(resolve, 50))
      outcome = await gateway.send(pushTo('device'))
    }
    assert.equal(outcome.state, 'sent')
  })

  test('a connection on which nothing moves is found out by ping and left, one that answers the ping is kept', async (t) => {
    const fcm = await simulatedFcm(t)
    const proxy = await connectProxy(t)
    t.mock.timers.enable({ apis: ['setInterval'] })
    const beat = (times: number): void => t.mock.timers.tick(times * 1_000)
    const gateway = fcm.gateway({ proxyUrl: proxy.url, pingEveryMs: 1_000, timeoutMs: 600_000, sessions: 1 })
    const sends = async () => assert.equal((await gateway.send(pushTo('device'))).state, 'sent')
    const hung = gateway.send(pushTo('hang-1'))
    await sends()
    const tunnels = proxy.heads.length
    // A beat after an answer asks nothing, the next one does; that answer comes before the one of a push behind it.
    for (let round = 0; round < 2; round += 1) {
      beat(2)
      await sends()
    }
    assert.equal(proxy.heads.length, tunnels)
    proxy.fallSilent()
    const silent = gateway.send(pushTo('device'))
    beat(3)
    const lost = { state: 'retry', reason: 'CONNECTION_LOST', afterMs: 10_000, maybeSent: true }
    assert.deepEqual(await Promise.all([hung, silent]), [lost, lost])
    proxy.speakAgain()
    await sends()
    assert.ok(proxy.heads.length > tunnels)
  })

  test('errors by share reach their outcomes, the rest is sent', async (t) => {
    const fcm = await simulatedFcm(t, { seed: 3 })
    await fcm.rule({ match: { share: 0.2 }, action: { error: 'QUOTA_EXCEEDED', retry_after_s: 90 } })
    const gateway = fcm.gateway()
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, at) => gateway.send(pushTo(`device-${at}`))))
    const limited = outcomes.filter(({ state }) => state === 'retry')
    assert.ok(limited.length > 60 && limited.length < 140, `${limited.length} of 500`)
    const expected = {
      state: 'retry',
      reason: 'QUOTA_EXCEEDED',
      afterMs: 90_000,
      maybeSent: false,
      overQuota: 'project',
    }
    for (const outcome of limited) assert.deepEqual(outcome, expected)
    assert.equal(sentOf(outcomes), 500 - limited.length)
  })

  test('a payload beyond the limit never leaves', async (t) => {
    const fcm = await simulatedFcm(t)
    const outcome = await fcm.gateway().send(pushTo('device', { body: 'x'.repeat(4096) }))
    assert.deepEqual(outcome, { state: 'refused', reason: 'PAYLOAD_TOO_BIG' })
    assert.deepEqual(outcomesOf(fcm, 'device'), [])
  })

  test('a push that waits for its turn is kept by so much less, and one that expires meanwhile never leaves', async (t) => {
    const fcm = await simulatedFcm(t)
    let passedMs = 0
    const clock = (): number => Date.now() + passedMs
    const gateway = fcm.gateway({ clock, sessions: 1, maxStreams: 1 })
    await gateway.send(pushTo('first'))
    await fcm.rule({ match: { target: 'slow' }, action: { hang: true }, count: 1 })
    const stop = new AbortController()
    const slow = gateway.send(pushTo('slow'), stop.signal)
    const waiting = gateway.send(pushTo('waiting', { expiresAt: new Date(clock() + 60_000) }))
    passedMs = 50_000
    await until('the slow one is under way', () => outcomesOf(fcm, 'slow').length === 1)
    stop.abort()
    assert.equal((await slow).state, 'retry')
    assert.equal((await waiting).state, 'sent')
    const [received] = fcm.simulator.control.received.list({ target: 'waiting', limit: 1 })
    const { android } = (JSON.parse(received?.body ?? '') as { message: { android: { ttl: string } } }).message
    assert.ok(Number.parseInt(android.ttl, 10) <= 10, android.ttl)
    const late = await gateway.send(pushTo('late', { expiresAt: new Date(clock()) }))
    assert.deepEqual(late, { state: 'retry', reason: 'EXPIRED', afterMs: 10_000, maybeSent: false })
    assert.deepEqual(outcomesOf(fcm, 'late'), [])
  })

  test('closing lets the pushes under way end', async (t) => {
    const fcm = await simulatedFcm(t)
    await fcm.rule({ match: { target: 'late' }, action: { delay_ms: 100 } })
    const gateway = fcm.gateway({ drainMs: 60_000 })
    await gateway.send(pushTo('first'))
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const late = gateway.send(pushTo('late'))
    while (outcomesOf(fcm, 'late').length === 0) await new Promise(setImmediate)
    const closed = gateway[Symbol.asyncDispose]()
    t.mock.timers.tick(100)
    assert.equal((await late).state, 'sent')
    await closed
    t.mock.timers.reset()
  })

  test('closing gives up the pushes that do not end', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway({ drainMs: 100 })
    const hung = gateway.send(pushTo('hang-1'))
    while (outcomesOf(fcm, 'hang-1').length === 0) await new Promise(setImmediate)
    await gateway[Symbol.asyncDispose]()
    const outcome = await hung
    assert.equal(outcome.state === 'retry' && outcome.maybeSent, true)
  })
})
