import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { newFolder, type SimulatedFcm, simulatedFcm } from '#test/simulators/fcm/support.ts'
import { startSquid } from '#test/support/squid.ts'
import { tlsFrontOf } from '#test/support/tls-front.ts'
import { startTinyproxy, type Tinyproxy, type TinyproxyOptions } from '#test/support/tinyproxy.ts'

interface Way {
  readonly fcm: SimulatedFcm
  readonly proxy: Tinyproxy
}

/** The simulator, and a real proxy before it. */
async function behindProxy(t: TestContext, options: TinyproxyOptions = {}): Promise<Way> {
  const fcm = await simulatedFcm(t)
  const proxy = await startTinyproxy(options)
  t.after(() => proxy[Symbol.asyncDispose]())
  return { fcm, proxy }
}

const outcomesOf = ({ fcm }: Way, target: string): string[] =>
  fcm.simulator.control.received.list({ target, limit: 100 }).map(({ outcome }) => outcome)

async function arrived(way: Way, target: string): Promise<void> {
  while (outcomesOf(way, target).length === 0) await new Promise(setImmediate)
}

async function untilSent(gateway: PushGateway): Promise<void> {
  let outcome: PushOutcome
  do {
    await new Promise((resolve) => setTimeout(resolve, 50))
    outcome = await gateway.send(pushTo('again'))
  } while (outcome.state !== 'sent')
}

const LOST: PushOutcome = { state: 'retry', reason: 'CONNECTION_LOST', afterMs: 10_000, maybeSent: true }

suite('pushes through a real proxy', { timeout: 120_000 }, () => {
  test('tokens and pushes pass it, over few connections, with its password', async (t) => {
    const { fcm, proxy } = await behindProxy(t)
    const gateway = fcm.gateway({ proxyUrl: proxy.url.href })
    const targets = Array.from({ length: 2_000 }, (_, at) => `device-${at}`)
    const outcomes = await Promise.all(targets.map((target) => gateway.send(pushTo(target))))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
    assert.equal(fcm.simulator.control.received.counts().total, 2_000)
  })

  test('so do they through squid', async (t) => {
    const fcm = await simulatedFcm(t)
    const squid = await startSquid()
    t.after(() => squid[Symbol.asyncDispose]())
    const gateway = fcm.gateway({ proxyUrl: squid.url.href })
    const targets = Array.from({ length: 500 }, (_, at) => `device-${at}`)
    const outcomes = await Promise.all(targets.map((target) => gateway.send(pushTo(target))))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
    assert.equal(fcm.simulator.control.received.counts().total, 500)
  })

  test('a proxy over TLS is trusted by the authorities of FCM, and by no other', async (t) => {
    const { fcm, proxy } = await behindProxy(t)
    const front = await tlsFrontOf(proxy.url)
    t.after(() => front[Symbol.asyncDispose]())
    const proxyUrl = front.url.href
    assert.equal((await fcm.gateway({ proxyUrl }).send(pushTo('refused'))).state, 'retry')
    assert.match(fcm.capture.text(), /self-signed certificate/)
    const caFile = join(newFolder(), 'both.pem')
    writeFileSync(caFile, readFileSync(fcm.simulator.caFile, 'utf8') + front.certPem)
    assert.equal((await fcm.gateway({ proxyUrl, caFile }).send(pushTo('taken'))).state, 'sent')
  })

  test('a wrong password is an outcome, and stays out of the log', async (t) => {
    const { fcm, proxy } = await behindProxy(t)
    const wrong = new URL(proxy.url)
    wrong.password = 'wrong-secret'
    const gateway = fcm.gateway({ proxyUrl: wrong.href })
    const outcome = await gateway.send(pushTo('device'))
    assert.equal(outcome.state === 'retry' && outcome.maybeSent, false)
    assert.match(fcm.capture.text(), /refused the tunnel with 40[17]/)
    assert.doesNotMatch(fcm.capture.text(), /wrong-secret/)
  })

  test('a port that the proxy refuses is an outcome', async (t) => {
    const { fcm, proxy } = await behindProxy(t, { connectPorts: [443] })
    const outcome = await fcm.gateway({ proxyUrl: proxy.url.href }).send(pushTo('device'))
    assert.equal(outcome.state === 'retry' && outcome.maybeSent, false)
    assert.match(fcm.capture.text(), /refused the tunnel with 403/)
    assert.equal(fcm.simulator.control.received.counts().total, 0)
  })

  test('killed with pushes under way, it leaves their outcome unknown; then nothing is sent until it is back', async (t) => {
    const way = await behindProxy(t)
    const gateway = way.fcm.gateway({ proxyUrl: way.proxy.url.href, sessions: 1 })
    const hung = Array.from({ length: 20 }, (_, at) => gateway.send(pushTo(`hang-${at}`)))
    await arrived(way, 'hang-19')
    await way.proxy.stop()
    for (const outcome of await Promise.all(hung)) assert.deepEqual(outcome, LOST)
    const away = await gateway.send(pushTo('away'))
    assert.deepEqual(away, { state: 'retry', reason: 'UNREACHABLE', afterMs: 10_000, maybeSent: false })
    await way.proxy.start()
    await untilSent(gateway)
    assert.deepEqual(outcomesOf(way, 'away'), [])
    assert.deepEqual(outcomesOf(way, 'hang-0'), ['hang'])
  })

  test('killed again and again under load, every push has an outcome, and what is "sent" has arrived', async (t) => {
    const way = await behindProxy(t)
    const gateway = way.fcm.gateway({ proxyUrl: way.proxy.url.href })
    for (let round = 0; round < 3; round += 1) {
      const targets = Array.from({ length: 1_000 }, (_, at) => `load-${round}-${at}`)
      const sending = Promise.all(targets.map(async (target) => ({ target, ...(await gateway.send(pushTo(target))) })))
      await arrived(way, `load-${round}-100`)
      await way.proxy.stop()
      const outcomes = await sending
      await way.proxy.start()
      await untilSent(gateway)
      for (const outcome of outcomes) {
        const received = outcomesOf(way, outcome.target)
        if (outcome.state === 'sent') assert.deepEqual(received, ['sent'])
        else assert.ok(outcome.state === 'retry' && (outcome.maybeSent || received.length === 0), outcome.state)
      }
    }
  })

  test('one that stands still is found out by ping and left', async (t) => {
    const way = await behindProxy(t)
    const gateway = way.fcm.gateway({ proxyUrl: way.proxy.url.href, sessions: 1, pingEveryMs: 100, timeoutMs: 30_000 })
    await untilSent(gateway)
    way.proxy.pause()
    assert.deepEqual(await gateway.send(pushTo('device')), LOST)
    way.proxy.resume()
    await untilSent(gateway)
  })

  test('GOAWAY, resets and streams that hang pass through it as without it', async (t) => {
    const way = await behindProxy(t)
    const options = { proxyUrl: way.proxy.url.href, sessions: 1 }
    const gateway = way.fcm.gateway(options)
    // Its patience is for what hangs alone: on a busy machine the others may take as long.
    const impatient = way.fcm.gateway({ ...options, timeoutMs: 2_000 })
    await Promise.all([untilSent(gateway), untilSent(impatient)])
    await way.fcm.rule({ match: { target: 'device-50' }, action: { goaway: true }, count: 1 })
    const targets = Array.from({ length: 200 }, (_, at) => `device-${at}`)
    const outcomes = await Promise.all(targets.map((target) => gateway.send(pushTo(target))))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
    assert.deepEqual(outcomesOf(way, 'device-50'), ['goaway', 'sent'])
    const unknown = await Promise.all([gateway.send(pushTo('reset-1')), impatient.send(pushTo('hang-1'))])
    const reasons = unknown.map((outcome) => outcome.state === 'retry' && outcome.maybeSent && outcome.reason)
    assert.deepEqual(reasons, ['RESET', 'TIMEOUT'])
  })
})
