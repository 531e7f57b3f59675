import type { Verdict } from '#src/adapters/push/fcm/errors.ts'

export const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'

export const fcmError = (code: number, status: string, errorCode: string, ...more: object[]): [number, string] => [
  code,
  JSON.stringify({ error: { code, status, message: 'x', details: [{ '@type': FCM_ERROR, errorCode }, ...more] } }),
]
export const googleError = (code: number, status: string): [number, string] => [
  code,
  JSON.stringify({ error: { code, status, message: 'x' } }),
]
export const retry = (reason: string, maybeSent: boolean): Verdict => ({
  state: 'retry',
  reason,
  afterMs: 10_000,
  maybeSent,
})
export const overQuota = (reason: string): Verdict => ({
  state: 'retry',
  reason,
  afterMs: 60_000,
  maybeSent: false,
  overQuota: 'project',
})
export const refused = (reason: string): Verdict => ({ state: 'refused', reason })
export const quarantined = (reason: string): Verdict => ({ state: 'refused', reason, quarantine: true })

/** One answer of FCM for each row of its gateway's table, and what it must come to. */
export const FCM_ANSWERS: Record<string, [answer: [number, string], verdict: Verdict]> = {
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
