import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ERROR_TABLE } from '#src/adapters/push/fcm/errors.ts'
import { pushTo } from '#test/conformance/push-gateway.ts'
import { simulatedFcm } from '#test/simulators/fcm/support.ts'
import { FCM_ANSWERS } from '#test/support/fcm-answers.ts'

/** In whole seconds, as a date in a header is. */
const NOW_MS = Math.floor(Date.now() / 1000) * 1000
const LATER_MS = 150_000
const RETRY_AFTER = {
  none: undefined,
  'as seconds': String(LATER_MS / 1000),
  'as a date': new Date(NOW_MS + LATER_MS).toUTCString(),
} as const

suite('each error of FCM, over the wire', { timeout: 60_000 }, () => {
  test('leads to its action, and a Retry-After is obeyed in both its forms', async (t) => {
    const fcm = await simulatedFcm(t)
    const gateway = fcm.gateway({ clock: () => NOW_MS })
    assert.deepEqual(Object.keys(FCM_ANSWERS).toSorted(), Object.keys(ERROR_TABLE).toSorted())
    for (const [code, [[status, body], verdict]] of Object.entries(FCM_ANSWERS)) {
      for (const [form, retryAfter] of Object.entries(RETRY_AFTER)) {
        const target = `${code} ${form}`
        const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
        await fcm.rule({ match: { target }, action: { answer: { status, headers, body } } })
        const outcome = await gateway.send(pushTo(target))
        const expected =
          verdict.state === 'reauthenticate'
            ? { state: 'refused', reason: 'UNAUTHENTICATED' }
            : verdict.state === 'retry' && retryAfter !== undefined
              ? { ...verdict, afterMs: LATER_MS }
              : verdict
        assert.deepEqual(outcome, expected, target)
      }
    }
  })

  test('a bearer token that is refused once is renewed, and the push is sent', async (t) => {
    const fcm = await simulatedFcm(t)
    await fcm.rule({ match: { target: 'device' }, action: { error: 'UNAUTHENTICATED' }, count: 1 })
    assert.equal((await fcm.gateway().send(pushTo('device'))).state, 'sent')
  })

  test('credentials that another push service refuses are told once a minute', async (t) => {
    const fcm = await simulatedFcm(t)
    let nowMs = NOW_MS
    const gateway = fcm.gateway({ clock: () => nowMs })
    const lines = (): number => fcm.capture.text().split('refuses the credentials').length - 1
    for (let count = 0; count < 10; count += 1) await gateway.send(pushTo('apns-1'))
    assert.equal(lines(), 1)
    nowMs += 60_000
    for (let count = 0; count < 10; count += 1) await gateway.send(pushTo('apns-1'))
    assert.equal(lines(), 2)
  })
})
