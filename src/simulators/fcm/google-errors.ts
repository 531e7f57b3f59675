/** One violation of google.rpc.BadRequest. The field is empty when the fault is in the request's root. */
export interface FieldViolation {
  readonly field: string
  readonly description: string
}

/** An answer other than success, as it goes on the wire. */
export interface ErrorAnswer {
  readonly httpStatus: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Detail = Readonly<Record<string, unknown>>

const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' }
const BEARER_CHALLENGE = { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' }
const NO_CREDENTIAL =
  'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.'

export const fcmDetail = (errorCode: string): Detail => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  errorCode,
})

const apnsDetail = (statusCode: number, reason: string): Detail => ({
  '@type': 'type.googleapis.com/google.firebase.fcm.v1.ApnsError',
  statusCode,
  reason,
})

const violationsDetail = (fieldViolations: readonly FieldViolation[]): Detail => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations,
})

const infoDetail = (reason: string, metadata: Readonly<Record<string, string>> = {}): Detail => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata: { service: 'fcm.googleapis.com', ...metadata },
})

function googleError(
  code: number,
  status: string,
  message: string,
  details: readonly Detail[] = [],
  headers: Readonly<Record<string, string>> = {},
): ErrorAnswer {
  const error = details.length === 0 ? { code, message, status } : { code, message, status, details }
  return { httpStatus: code, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify({ error }, null, 2) }
}

/** The request could not be read as the API's JSON: what the real one finds before FCM itself looks. */
export function unreadable(violations: readonly FieldViolation[]): ErrorAnswer {
  const message = violations.map((violation) => violation.description).join('\n')
  return googleError(400, 'INVALID_ARGUMENT', message, [violationsDetail(violations)])
}

/** A well-formed message that FCM refuses for what is in it. */
export function invalidArgument(violation: FieldViolation): ErrorAnswer {
  const details = [fcmDetail('INVALID_ARGUMENT'), violationsDetail([violation])]
  return googleError(400, 'INVALID_ARGUMENT', violation.description, details)
}

export const malformedTarget = (): ErrorAnswer =>
  googleError(400, 'INVALID_ARGUMENT', 'The registration token is not a valid FCM registration token', [
    fcmDetail('INVALID_ARGUMENT'),
  ])

export function unauthenticated(
  reason: 'CREDENTIALS_MISSING' | 'ACCESS_TOKEN_EXPIRED' | 'ACCESS_TOKEN_TYPE_UNSUPPORTED',
) {
  const message =
    reason === 'CREDENTIALS_MISSING'
      ? NO_CREDENTIAL
      : 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.'
  const method = { method: 'google.firebase.fcm.v1.FcmService.SendMessage' }
  return googleError(401, 'UNAUTHENTICATED', message, [infoDetail(reason, method)], BEARER_CHALLENGE)
}

export const permissionDenied = (project: string): ErrorAnswer =>
  googleError(
    403,
    'PERMISSION_DENIED',
    `Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/${project}' (or it may not exist).`,
    [infoDetail('IAM_PERMISSION_DENIED', { permission: 'cloudmessaging.messages.create' })],
  )

/** The front end's own pages carry no JSON. */
const page = (httpStatus: number, title: string): ErrorAnswer => ({
  httpStatus,
  headers: { 'content-type': 'text/html; charset=UTF-8' },
  body: `<!DOCTYPE html><html lang=en><title>Error ${httpStatus} (${title})!!1</title><p><b>${httpStatus}.</b> That’s an error.</html>\n`,
})

export const unknownPath = (): ErrorAnswer => page(404, 'Not Found')
export const bodyTooLarge = (): ErrorAnswer => page(413, 'Request Entity Too Large')

interface ErrorContext {
  readonly targetField: string
  readonly retryAfterS: number | undefined
}

const retryAfter = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { 'retry-after': String(seconds) }

/** Every error that a rule or a prefix can ask for, by the name it is asked for. */
export const ERRORS = {
  UNREGISTERED: () => googleError(404, 'NOT_FOUND', 'Requested entity was not found.', [fcmDetail('UNREGISTERED')]),
  SENDER_ID_MISMATCH: () =>
    googleError(403, 'PERMISSION_DENIED', 'SenderId mismatch', [fcmDetail('SENDER_ID_MISMATCH')]),
  INVALID_ARGUMENT: ({ targetField }: ErrorContext) =>
    invalidArgument({ field: targetField, description: 'Invalid registration token' }),
  MALFORMED_TARGET: malformedTarget,
  INVALID_PAYLOAD: () =>
    invalidArgument({ field: 'message.android.ttl', description: 'Invalid ttl: the simulator was told to refuse it' }),
  APNS_UNREGISTERED: () =>
    googleError(400, 'INVALID_ARGUMENT', 'APNs device token is disabled.', [
      fcmDetail('INVALID_ARGUMENT'),
      apnsDetail(410, 'Unregistered'),
    ]),
  THIRD_PARTY_AUTH_ERROR: () =>
    googleError(401, 'UNAUTHENTICATED', NO_CREDENTIAL, [
      fcmDetail('THIRD_PARTY_AUTH_ERROR'),
      apnsDetail(403, 'InvalidProviderToken'),
    ]),
  UNAUTHENTICATED: () => unauthenticated('ACCESS_TOKEN_EXPIRED'),
  PERMISSION_DENIED: () => permissionDenied('of-the-rule'),
  QUOTA_EXCEEDED: ({ retryAfterS }: ErrorContext) =>
    googleError(
      429,
      'RESOURCE_EXHAUSTED',
      'Quota exceeded for quota metric and limit of the service fcm.googleapis.com.',
      [
        fcmDetail('QUOTA_EXCEEDED'),
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ subject: 'fcm.googleapis.com', description: 'messages per minute' }],
        },
      ],
      retryAfter(retryAfterS),
    ),
  UNAVAILABLE: ({ retryAfterS }: ErrorContext) =>
    googleError(
      503,
      'UNAVAILABLE',
      'The service is currently unavailable.',
      [fcmDetail('UNAVAILABLE')],
      retryAfter(retryAfterS),
    ),
  INTERNAL: ({ retryAfterS }: ErrorContext) =>
    googleError(500, 'INTERNAL', 'Internal error encountered.', [fcmDetail('INTERNAL')], retryAfter(retryAfterS)),
  UNSPECIFIED_ERROR: () => googleError(500, 'UNKNOWN', 'An unknown error occurred.', [fcmDetail('UNSPECIFIED_ERROR')]),
  DEADLINE_EXCEEDED: () => googleError(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
  BAD_GATEWAY: () => page(502, 'Server Error'),
} as const satisfies Record<string, (context: ErrorContext) => ErrorAnswer>

export type ErrorName = keyof typeof ERRORS

export const ERROR_NAMES = Object.keys(ERRORS) as ErrorName[]
