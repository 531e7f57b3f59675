import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ERROR_TABLE, judgeAnswer, readRetryAfter, type Verdict } from './errors.ts'

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'
const APNS_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.ApnsError'
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest'

const fcmError = (code: number, status: string, errorCode: string, ...more: object[]): [number, string] => [
  code,
  JSON.stringify({ error: { code, status, message: 'x', details: [{ '@type': FCM_ERROR, errorCode }, ...more] } }),
]
const googleError = (code: number, status: string): [number, string] => [
  code,
  JSON.stringify({ error: { code, status, message: 'x' } }),
]
const violation = (field: string) => ({ '@type': BAD_REQUEST, fieldViolations: [{ field, description: 'x' }] })
const retry = (reason: string, maybeSent: boolean): Verdict => ({ state: 'retry', reason, afterMs: 10_000, maybeSent })
const overQuota = (reason: string): Verdict => ({
  state: 'retry',
  reason,
  afterMs: 60_000,
  maybeSent: false,
  overQuota: 'project',
})
const refused = (reason: string): Verdict => ({ state: 'refused', reason })
const quarantined = (reason: string): Verdict => ({ state: 'refused', reason, quarantine: true })

/** One answer for each row of the table, and what it must come to. */
const ROWS: Record<string, [answer: [number, string], verdict: Verdict]> = {
  UNREGISTERED: [fcmError(404, 'NOT_FOUND', 'UNREGISTERED'), { state: 'dead_target', reason: 'UNREGISTERED' }],
  SENDER_ID_MISMATCH: [fcmError(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'), quarantined('SENDER_ID_MISMATCH')],
  INVALID_ARGUMENT: [fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'), refused('INVALID_ARGUMENT')],
  THIRD_PARTY_AUTH_ERROR: [
    fcmError(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
    refused('THIRD_PARTY_AUTH_ERROR'),
  ],
  QUOTA_EXCEEDED: [fcmError(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'), overQuota('QUOTA_EXCEEDED')],
  UNAVAILABLE: [fcmError(503, 'UNAVAILABLE', 'UNAVAILABLE'), retry('UNAVAILABLE', false)],
  INTERNAL: [fcmError(500, 'INTERNAL', 'INTERNAL'), retry('INTERNAL', true)],
  UNSPECIFIED_ERROR: [fcmError(500, 'UNKNOWN', 'UNSPECIFIED_ERROR'), retry('UNSPECIFIED_ERROR', true)],
  UNAUTHENTICATED: [googleError(401, 'UNAUTHENTICATED'), { state: 'reauthenticate' }],
  PERMISSION_DENIED: [googleError(403, 'PERMISSION_DENIED'), refused('PERMISSION_DENIED')],
  NOT_FOUND: [googleError(404, 'NOT_FOUND'), refused('NOT_FOUND')],
  FAILED_PRECONDITION: [googleError(400, 'FAILED_PRECONDITION'), refused('FAILED_PRECONDITION')],
  UNIMPLEMENTED: [googleError(501, 'UNIMPLEMENTED'), refused('UNIMPLEMENTED')],
  RESOURCE_EXHAUSTED: [googleError(429, 'RESOURCE_EXHAUSTED'), overQuota('RESOURCE_EXHAUSTED')],
  DEADLINE_EXCEEDED: [googleError(504, 'DEADLINE_EXCEEDED'), retry('DEADLINE_EXCEEDED', true)],
  ABORTED: [googleError(409, 'ABORTED'), retry('ABORTED', true)],
  CANCELLED: [googleError(499, 'CANCELLED'), retry('CANCELLED', true)],
  UNKNOWN: [googleError(500, 'UNKNOWN'), retry('UNKNOWN', true)],
}

suite('FCM answers', () => {
  test('every row of the table is tried here', () => {
    assert.deepEqual(Object.keys(ROWS).toSorted(), Object.keys(ERROR_TABLE).toSorted())
  })

  for (const [name, [[status, body], verdict]] of Object.entries(ROWS)) {
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
