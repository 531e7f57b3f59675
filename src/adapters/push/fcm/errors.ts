import type { PushOutcome } from '#src/ports/push-gateway.ts'

/** What an answer of FCM means: an outcome, or that the bearer token must be renewed first. */
export type Verdict = PushOutcome | { readonly state: 'reauthenticate' }

/** Google asks for at least this long before any retry, and this long where a quota was exceeded. */
export const RETRY_LEAST_MS = 10_000
const QUOTA_LEAST_MS = 60_000

type Rule =
  | 'dead_target'
  | 'refused'
  | 'refused_quarantine'
  | 'retry_not_sent'
  | 'retry_maybe_sent'
  | 'retry_quota'
  | 'reauthenticate'
  | 'by_detail'

/**
 * FCM's own error code decides; where there is none, the status of google.rpc. UNREGISTERED alone buries a
 * target: a bare 404 is more likely a wrong address of ours than a dead device.
 */
export const ERROR_TABLE: Readonly<Record<string, Rule>> = {
  UNREGISTERED: 'dead_target',
  SENDER_ID_MISMATCH: 'refused_quarantine',
  INVALID_ARGUMENT: 'by_detail',
  THIRD_PARTY_AUTH_ERROR: 'refused',
  QUOTA_EXCEEDED: 'retry_quota',
  UNAVAILABLE: 'retry_not_sent',
  INTERNAL: 'retry_maybe_sent',
  UNSPECIFIED_ERROR: 'retry_maybe_sent',
  UNAUTHENTICATED: 'reauthenticate',
  PERMISSION_DENIED: 'refused',
  NOT_FOUND: 'refused',
  FAILED_PRECONDITION: 'refused',
  UNIMPLEMENTED: 'refused',
  RESOURCE_EXHAUSTED: 'retry_quota',
  DEADLINE_EXCEEDED: 'retry_maybe_sent',
  ABORTED: 'retry_maybe_sent',
  CANCELLED: 'retry_maybe_sent',
  UNKNOWN: 'retry_maybe_sent',
}

interface GoogleDetail {
  readonly '@type'?: unknown
  readonly errorCode?: unknown
  readonly statusCode?: unknown
  readonly reason?: unknown
  readonly fieldViolations?: unknown
  readonly violations?: unknown
}

interface GoogleError {
  readonly status?: unknown
  readonly message?: unknown
  readonly details: readonly GoogleDetail[]
}

/** Maps one complete answer to what the caller does about it. `retryAfterMs` is what the answer's header asked for. */
export function judgeAnswer(httpStatus: number, body: string, retryAfterMs: number | undefined): Verdict {
  const answer = parseObject(body)
  if (httpStatus === 200) {
    const name = answer?.['name']
    if (typeof name === 'string') return { state: 'sent', providerId: name }
    return { state: 'retry', reason: 'UNREADABLE_ANSWER', afterMs: RETRY_LEAST_MS, maybeSent: true }
  }
  const error = readError(answer)
  if (error === undefined) return judgeForeignAnswer(httpStatus, retryAfterMs)
  const code = fcmCode(error) ?? (typeof error.status === 'string' ? error.status : `HTTP_${httpStatus}`)
  const rule = ERROR_TABLE[code]
  if (rule === undefined) return judgeUnknownError(httpStatus, code, retryAfterMs)
  if (rule === 'by_detail') return judgeInvalidArgument(error)
  if (rule === 'retry_quota') return overQuota(code, isQuotaOfTarget(error) ? 'target' : 'project', retryAfterMs)
  return apply(rule, code, retryAfterMs)
}

/** Google's shape with a code not known yet: its client errors are never retried. */
function judgeUnknownError(httpStatus: number, code: string, retryAfterMs: number | undefined): Verdict {
  const isOurs = httpStatus >= 400 && httpStatus < 500 && httpStatus !== 401 && httpStatus !== 429
  return isOurs ? { state: 'refused', reason: code } : judgeForeignAnswer(httpStatus, retryAfterMs)
}

/** Something between us and FCM answered, or FCM in a way not known yet: only what its status class says for sure. */
function judgeForeignAnswer(httpStatus: number, retryAfterMs: number | undefined): Verdict {
  const reason = `HTTP_${httpStatus}`
  if (httpStatus === 401) return { state: 'reauthenticate' }
  if (httpStatus === 413) return { state: 'refused', reason }
  if (httpStatus === 429) return overQuota(reason, 'project', retryAfterMs)
  const maybeSent = httpStatus < 300 || (httpStatus >= 500 && httpStatus !== 503)
  return apply(maybeSent ? 'retry_maybe_sent' : 'retry_not_sent', reason, retryAfterMs)
}

function judgeInvalidArgument(error: GoogleError): Verdict {
  const apns = error.details.find((detail) => String(detail['@type']).endsWith('.v1.ApnsError'))
  if (apns?.statusCode === 410 || apns?.reason === 'Unregistered') {
    return { state: 'dead_target', reason: 'APNS_UNREGISTERED' }
  }
  const isTarget = apns?.reason === 'BadDeviceToken' || namesTarget(error)
  return isTarget
    ? { state: 'refused', reason: 'INVALID_TARGET', quarantine: true }
    : { state: 'refused', reason: 'INVALID_ARGUMENT' }
}

function namesTarget(error: GoogleError): boolean {
  const violations = error.details.flatMap((detail) =>
    Array.isArray(detail.fieldViolations) ? (detail.fieldViolations as { field?: unknown }[]) : [],
  )
  if (violations.length > 0)
    return violations.every(({ field }) => field === 'message.token' || field === 'message.fid')
  // A damaged token is answered without a violation, by this sentence alone.
  return /not a valid FCM registration token/i.test(String(error.message))
}

/** QuotaFailure, or the sentence alone, says so when it is the rate of one device or topic and not the project's. */
function isQuotaOfTarget(error: GoogleError): boolean {
  const violations = error.details.flatMap((detail) =>
    Array.isArray(detail.violations) ? (detail.violations as { subject?: unknown; description?: unknown }[]) : [],
  )
  const texts = violations.flatMap(({ subject, description }) => [subject, description])
  return [error.message, ...texts].some((text) => /\b(device|topic)/i.test(String(text)))
}

function overQuota(reason: string, whose: 'project' | 'target', retryAfterMs = 0): Verdict {
  const afterMs = Math.max(QUOTA_LEAST_MS, retryAfterMs)
  return { state: 'retry', reason, afterMs, maybeSent: false, overQuota: whose }
}

function apply(rule: Exclude<Rule, 'by_detail' | 'retry_quota'>, reason: string, retryAfterMs = 0): Verdict {
  switch (rule) {
    case 'reauthenticate':
      return { state: 'reauthenticate' }
    case 'dead_target':
      return { state: 'dead_target', reason }
    case 'refused':
      return { state: 'refused', reason }
    case 'refused_quarantine':
      return { state: 'refused', reason, quarantine: true }
    case 'retry_not_sent':
      return { state: 'retry', reason, afterMs: Math.max(RETRY_LEAST_MS, retryAfterMs), maybeSent: false }
    case 'retry_maybe_sent':
      return { state: 'retry', reason, afterMs: Math.max(RETRY_LEAST_MS, retryAfterMs), maybeSent: true }
  }
}

/** Reads a Retry-After header, whole seconds or a date, as milliseconds from now; undefined when it says neither. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}

function readError(answer: Record<string, unknown> | undefined): GoogleError | undefined {
  const error = answer?.['error']
  if (typeof error !== 'object' || error === null) return undefined
  const { status, message, details } = error as Record<string, unknown>
  const known = Array.isArray(details) ? details.filter((detail) => typeof detail === 'object' && detail !== null) : []
  return { status, message, details: known as GoogleDetail[] }
}

function fcmCode(error: GoogleError): string | undefined {
  const detail = error.details.find((one) => String(one['@type']).endsWith('google.firebase.fcm.v1.FcmError'))
  return typeof detail?.errorCode === 'string' ? detail.errorCode : undefined
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
