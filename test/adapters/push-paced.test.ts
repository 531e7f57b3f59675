import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { recorderGateway } from '#src/adapters/push/memory.ts'
import { pacedGateway } from '#src/adapters/push/pace/paced-gateway.ts'
import { LocalQuota, type Quota } from '#src/adapters/push/pace/quota.ts'
import { steadyClock } from '#src/core/clock.ts'
import type { Push, PushGateway, PushOutcome } from '#src/ports/push-gateway.ts'
import { pushGatewayConformance, pushTo } from '#test/conformance/push-gateway.ts'
import { captureLog } from '#test/support/log.ts'
import { EventTime } from './push-world.ts'

const UNAVAILABLE: PushOutcome = { state: 'retry', reason: 'UNAVAILABLE', afterMs: 30_000, maybeSent: false }

interface Subject {
  readonly time: EventTime
  readonly gateway: PushGateway
  /** In the order they left, and when, from the start. */
  readonly left: readonly { readonly push: Push; readonly atMs: number }[]
  readonly asks: () => number
  readonly sendAll: (count: number, more?: Partial<Push>) => Promise<PushOutcome[]>
}

/** A gateway that answers at once, before it the pace; on a clock that `time.run` moves. */
function paced(messagesPerMinute: number, script?: (push: Push, atMs: number) => PushOutcome | undefined): Subject {
  const time = new EventTime()
  const startMs = time.now()
  const left: { push: Push; atMs: number }[] = []
  const recorder = recorderGateway((push) => {
    const atMs = time.now() - startMs
    left.push({ push, atMs })
    return script?.(push, atMs)
  })
  const local = new LocalQuota(messagesPerMinute, time.now)
  let asks = 0
  const quota: Quota = {
    ask: (ask) => {
      asks += 1
      return local.ask(ask)
    },
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  }
  const { log } = captureLog()
  const gateway = pacedGateway(recorder, { quota, log, messagesPerMinute, timers: time, random: () => 0.5 })
  const sendAll = (count: number, more: Partial<Push> = {}): Promise<PushOutcome[]> =>
    Promise.all(Array.from({ length: count }, (_, at) => gateway.send(pushTo(`device-${at}`, more))))
  return { time, gateway, left, asks: () => asks, sendAll }
}

pushGatewayConformance('recorder at a pace', async () => {
  const gateway = recorderGateway(({ target }) => {
    if (target.value === 'is_dead') return { state: 'dead_target', reason: 'UNREGISTERED' }
    if (target.value === 'is_refused') return { state: 'refused', reason: 'INVALID_ARGUMENT' }
    return target.value === 'is_to_be_retried' ? UNAVAILABLE : undefined
  })
  const messagesPerMinute = 10_000_000
  const quota = new LocalQuota(messagesPerMinute, Date.now, 1)
  return {
    gateway: pacedGateway(gateway, { quota, messagesPerMinute, log: captureLog().log }),
    accepted: async (target) =>
      gateway.pushes
        .filter((push) => push.target.value === target)
        .map(({ messageId, title, urgency }) => ({ messageId, title, urgency })),
    targetThat: (fate) => fate,
    close: async () => undefined,
  }
})

suite('pushes at a pace', { timeout: 60_000 }, () => {
  test('ten thousand pushes leave over the ramp, and the quota is asked tens of times a second', async () => {
    const { time, left, asks, sendAll } = paced(600_000)
    const all = sendAll(10_000)
    await time.run()
    await all
    const seconds = (left.at(-1)?.atMs ?? 0) / 1000
    assert.ok(seconds > 9 && seconds < 13, `${seconds} s`)
    assert.ok(asks() < 60 * seconds, `${asks()} asks in ${seconds} s`)
  })

  test('an urgent push overtakes all that wait', async () => {
    const { time, left, gateway, sendAll } = paced(600_000)
    const bulk = sendAll(2_000)
    let urgent: Promise<PushOutcome> | undefined
    const urgentAtMs = 3_000
    time.after(urgentAtMs, () => void (urgent = gateway.send(pushTo('urgent', { lane: 'urgent' }))))
    await time.run()
    assert.equal((await urgent)?.state, 'sent')
    await bulk
    const sent = left.find(({ push }) => push.lane === 'urgent')
    assert.ok(left.filter(({ atMs }) => atMs > urgentAtMs + 100).length > 100, 'some were still waiting')
    assert.ok((sent?.atMs ?? Infinity) - urgentAtMs < 50)
  })

  test('a push whose signal aborts while it waits was not sent', async () => {
    const { time, left, gateway, sendAll } = paced(60)
    const others = sendAll(10)
    const patience = new AbortController()
    const impatient = gateway.send(pushTo('impatient'), patience.signal)
    time.after(1_000, () => patience.abort())
    await time.run()
    assert.deepEqual(await impatient, { state: 'retry', reason: 'PACED', afterMs: 10_000, maybeSent: false })
    assert.equal(left.length, 10)
    await others
  })

  test('a rejection for the project halves the rate once, however many pushes it hits', async () => {
    const rejected: PushOutcome = {
      state: 'retry',
      reason: 'QUOTA_EXCEEDED',
      afterMs: 60_000,
      maybeSent: false,
      overQuota: 'project',
    }
    const atMs = 70_000
    const { time, left, gateway } = paced(60_000, (_, now) => (now >= atMs && now < atMs + 15 ? rejected : undefined))
    for (let at = 0; at < 90_000; at += 1) time.after(at, () => void gateway.send(pushTo(`device-${at % 5_000}`)))
    await time.run()
    const rateAt = (fromMs: number): number =>
      left.filter((one) => one.atMs >= fromMs && one.atMs < fromMs + 2_000).length
    const [before, after] = [rateAt(atMs - 2_000), rateAt(atMs + 1_000)]
    assert.ok(after > before * 0.45 && after < before * 0.65, `${before}, then ${after}`)
  })

  test('a rejection for one target makes that target wait, and nobody else', async () => {
    const { time, gateway } = paced(600_000, ({ target }) =>
      target.value === 'busy'
        ? { state: 'retry', reason: 'QUOTA_EXCEEDED', afterMs: 90_000, maybeSent: false, overQuota: 'target' }
        : undefined,
    )
    const outcomes: PushOutcome[] = []
    const send = async (target: string): Promise<void> => void outcomes.push(await gateway.send(pushTo(target)))
    time.after(1_000, () => void send('busy'))
    time.after(2_000, () => void send('busy'))
    time.after(3_000, () => void send('other'))
    await time.run()
    assert.deepEqual(outcomes[1], { state: 'retry', reason: 'DEVICE_LIMIT', afterMs: 89_000, maybeSent: false })
    assert.equal(outcomes[2]?.state, 'sent')
  })

  test('a target beyond its limit waits, and nothing of it leaves', async () => {
    const { time, left, gateway } = paced(600_000)
    time.after(1_000, () => {
      for (let count = 0; count < 300; count += 1) void gateway.send(pushTo('device'))
    })
    await time.run()
    assert.equal(left.length, 240)
  })

  test('while the provider is unavailable nothing leaves until Retry-After, then a few, the urgent first', async () => {
    const awayUntilMs = 20_000
    const { time, left, gateway, sendAll } = paced(600_000, (_, atMs) => (atMs < awayUntilMs ? UNAVAILABLE : undefined))
    const pushes: Promise<PushOutcome>[] = []
    time.after(
      1_000,
      () => void pushes.push(...Array.from({ length: 20 }, (_, at) => gateway.send(pushTo(`first-${at}`)))),
    )
    time.after(5_000, () => pushes.push(sendAll(50).then(([first]) => first ?? UNAVAILABLE)))
    time.after(6_000, () => void pushes.push(gateway.send(pushTo('urgent', { lane: 'urgent' }))))
    await time.run()
    const openedAt = left[19]?.atMs ?? Infinity
    assert.ok(openedAt < 5_000)
    assert.equal(left[20]?.push.lane, 'urgent')
    assert.equal(left[20]?.atMs, openedAt + 30_000)
    const outcomes = await Promise.all(pushes)
    assert.deepEqual(
      outcomes.slice(20).map(({ state }) => state),
      ['sent', 'sent'],
    )
  })

  test('closing ends those who wait, as not sent', async () => {
    const { time, left, gateway, sendAll } = paced(60)
    const all = sendAll(3)
    await gateway[Symbol.asyncDispose]()
    for (const outcome of await all) assert.equal(outcome.state === 'retry' && outcome.reason, 'PACED')
    await time.run()
    assert.deepEqual(left, [])
  })

  test('setting the time of day back holds nothing up', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_790_000_000_000 })
    const quota = new LocalQuota(10_000_000, steadyClock, 1)
    await using gateway = pacedGateway(recorderGateway(), { quota, log: captureLog().log })
    const send = (target: string): Promise<PushOutcome> => gateway.send(pushTo(target))
    await send('first')
    t.mock.timers.setTime(1_790_000_000_000 - 3_600_000)
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, (_, at) => send(`device-${at}`)))
    assert.ok(outcomes.every(({ state }) => state === 'sent'))
  })
})
