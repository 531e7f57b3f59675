import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FCM_ANSWERS, FCM_ERROR, fcmError, overQuota, quarantined, refused, retry } from '#test/support/fcm-answers.ts'
import { ERROR_TABLE, judgeAnswer, readRetryAfter, type Verdict } from './errors.ts'

const APNS_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.ApnsError'
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest'
const violation = (field: string) => ({ '@type': BAD_REQUEST, fieldViolations: [{ field, description: 'x' }] })

suite('FCM answers', () => {
  test('every row of the table is tried here', () => {
    assert.deepEqual(Object.keys(FCM_ANSWERS).toSorted(), Object.keys(ERROR_TABLE).toSorted())
  })

  for (const [name, [[status, body], verdict]] of Object.entries(FCM_ANSWERS)) {
    test(`${status} ${name}`, () => assert.deepEqual(judgeAnswer(status, body, undefined), verdict))
  }

  test('success carries the name that FCM gave', () => {
    const verdict = judgeAnswer(200, '{"name":"projects/p/messages/1"}', undefined)
    assert.deepEqual(verdict, { state: 'sent', providerId: 'projects/p/messages/1' })
  })

  for (const body of ['', '{"name":', '{}', 'null', '[]', '<html>']) {
    test(`200 with ${JSON.stringify(body)} leaves the outcome unknown`, () => {
      assert.deepEqual(judgeAnswer(200, body, undefined), retry('UNREADABLE_ANSWER', true))
    })
  }

  const invalid = (...details: object[]) => fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', ...details)
  const BY_DETAIL: [string, [number, string], Verdict][] = [
    ['a violation of the token', invalid(violation('message.token')), quarantined('INVALID_TARGET')],
    ['a violation of the fid', invalid(violation('message.fid')), quarantined('INVALID_TARGET')],
    ['a violation of the data', invalid(violation('message.data[0].value')), refused('INVALID_ARGUMENT')],
    [
      'violations of token and data',
      invalid(violation('message.token'), violation('message.data')),
      refused('INVALID_ARGUMENT'),
    ],
    [
      'a device gone at Apple',
      invalid({ '@type': APNS_ERROR, statusCode: 410, reason: 'Unregistered' }),
      { state: 'dead_target', reason: 'APNS_UNREGISTERED' },
    ],
    [
      'a device token that Apple does not know',
      invalid({ '@type': APNS_ERROR, statusCode: 400, reason: 'BadDeviceToken' }),
      quarantined('INVALID_TARGET'),
    ],
    [
      'a damaged token, told by the sentence alone',
      [
        400,
        JSON.stringify({
          error: {
            code: 400,
            status: 'INVALID_ARGUMENT',
            message: 'The registration token is not a valid FCM registration token',
            details: [{ '@type': FCM_ERROR, errorCode: 'INVALID_ARGUMENT' }],
          },
        }),
      ],
      quarantined('INVALID_TARGET'),
    ],
  ]
  for (const [name, [status, body], verdict] of BY_DETAIL) {
    test(`INVALID_ARGUMENT by detail: ${name}`, () => assert.deepEqual(judgeAnswer(status, body, undefined), verdict))
  }

  const QUOTA_FAILURE = 'type.googleapis.com/google.rpc.QuotaFailure'
  for (const [subject, whose] of [
    ['device:x', 'target'],
    ['topic:x', 'target'],
    ['project:x', 'project'],
  ] as const) {
    test(`a quota of a ${subject} slows down the ${whose}`, () => {
      const details = [{ '@type': QUOTA_FAILURE, violations: [{ subject, description: 'x' }] }]
      const [status, body] = fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', ...details)
      assert.partialDeepStrictEqual(judgeAnswer(status, body, undefined), { state: 'retry', overQuota: whose })
    })
  }

  const FOREIGN: [number, Verdict][] = [
    [204, retry('HTTP_204', true)],
    [302, retry('HTTP_302', false)],
    [401, { state: 'reauthenticate' }],
    [403, retry('HTTP_403', false)],
    [404, retry('HTTP_404', false)],
    [413, refused('HTTP_413')],
    [429, overQuota('HTTP_429')],
    [500, retry('HTTP_500', true)],
    [502, retry('HTTP_502', true)],
    [503, retry('HTTP_503', false)],
    [504, retry('HTTP_504', true)],
  ]
  for (const [status, verdict] of FOREIGN) {
    test(`${status} without Google's error neither buries nor refuses a target`, () => {
      assert.deepEqual(judgeAnswer(status, '<html>proxy</html>', undefined), verdict)
    })
  }

  test("a code that is not known yet follows its status: the client's fault is never retried", () => {
    assert.deepEqual(judgeAnswer(...fcmError(400, 'INVALID_ARGUMENT', 'NEW_CODE'), undefined), refused('NEW_CODE'))
    assert.deepEqual(judgeAnswer(...fcmError(500, 'INTERNAL', 'NEW_CODE'), undefined), retry('HTTP_500', true))
  })

  test('Retry-After can lengthen the wait, never shorten it below the least', () => {
    const unavailable = fcmError(503, 'UNAVAILABLE', 'UNAVAILABLE')
    const quota = fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED')
    const afterMs = (answer: [number, string], retryAfterMs: number): unknown => {
      const verdict = judgeAnswer(...answer, retryAfterMs)
      return 'afterMs' in verdict ? verdict.afterMs : undefined
    }
    assert.equal(afterMs(unavailable, 120_000), 120_000)
    assert.equal(afterMs(unavailable, 1000), 10_000)
    assert.equal(afterMs(quota, 120_000), 120_000)
    assert.equal(afterMs(quota, 1000), 60_000)
  })

  test('Retry-After is seconds or a date', () => {
    const nowMs = Date.parse('2026-11-22T10:00:00Z')
    assert.equal(readRetryAfter('30', nowMs), 30_000)
    assert.equal(readRetryAfter('Sun, 22 Nov 2026 10:01:00 GMT', nowMs), 60_000)
    assert.equal(readRetryAfter('Sun, 22 Nov 2026 09:00:00 GMT', nowMs), 0)
    assert.equal(readRetryAfter('soon', nowMs), undefined)
    assert.equal(readRetryAfter(undefined, nowMs), undefined)
  })
})
