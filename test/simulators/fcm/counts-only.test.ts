import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Push } from '#src/ports/push-gateway.ts'
import type { PushCountsView } from '#src/simulators/fcm/push-counts.ts'
import { simulatedFcm } from './support.ts'

const push = (target: string, messageId: string): Push => ({
  messageId,
  target: { kind: 'token', value: target },
  title: 'Coupure',
  body: 'Demain.',
  data: {},
  urgency: 'normal',
  ttlMs: 60_000,
  lane: 'bulk',
})

suite('the FCM simulator that counts alone', () => {
  test('keeps the messages of the targets that were named, and knows how often each push was accepted', async (t) => {
    const fcm = await simulatedFcm(t, { countsOnlyBut: 'watched-' })
    const { url } = fcm.simulator.control
    const counted = async (): Promise<PushCountsView> =>
      (await (await fetch(`${url}/pushes/count`)).json()) as PushCountsView
    const gateway = fcm.gateway()
    for (const [target, messageId] of [
      ['phone-1', 'a'],
      ['phone-1', 'b'],
      ['phone-2', 'a'],
      ['phone-2', 'a'],
      ['dead-1', 'a'],
      ['watched-1', 'a'],
    ] as const) {
      await gateway.send(push(target, messageId))
    }
    const { distinct, by_times: byTimes } = await counted()
    assert.deepEqual([distinct, byTimes], [4, { 1: 3, 2: 1 }])
    const { total, kept, by_outcome: byOutcome } = fcm.simulator.control.received.counts()
    assert.deepEqual([total, kept, byOutcome], [6, 1, { sent: 5, UNREGISTERED: 1 }])
    await fetch(`${url}/messages`, { method: 'DELETE' })
    assert.equal((await counted()).distinct, 0)
  })

  test('says what to start it with where pushes are not counted', async (t) => {
    const { simulator } = await simulatedFcm(t)
    const answer = await fetch(`${simulator.control.url}/pushes/count`)
    assert.equal(answer.status, 404)
    assert.match(await answer.text(), /--counts-only/)
  })
})
