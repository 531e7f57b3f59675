import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AppError, ErrorKind } from '#src/core/errors.ts'
import type { Language } from '#src/core/language.ts'
import { languageOf, markLanguage } from '#src/http/in-language.ts'
import { Type } from 'typebox'

/** The one table from what went wrong to an HTTP status. */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unprocessable: 422,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
}

export function statusOf(kind: ErrorKind): number {
  return STATUS[kind]
}

const TITLE: Readonly<Record<ErrorKind, string>> = {
  invalid: 'Bad Request',
  unauthenticated: 'Unauthorized',
  forbidden: 'Forbidden',
  not_found: 'Not Found',
  conflict: 'Conflict',
  too_large: 'Content Too Large',
  unprocessable: 'Unprocessable Content',
  rate_limited: 'Too Many Requests',
  unavailable: 'Service Unavailable',
  internal: 'Internal Server Error',
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly request_id: string
  readonly [fact: string]: unknown
}

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'stable, of the form module/what' }),
    detail: Type.String({ description: 'French, or English with Accept-Language: en' }),
    request_id: Type.String(),
  },
  { $id: 'Problem', additionalProperties: true, description: 'RFC 9457 problem details' },
)

/** How a route's schema says that it answers a problem. */
export const ProblemAnswer = {
  description: 'a problem, as RFC 9457 has it',
  content: { 'application/problem+json': { schema: Type.Ref('Problem#') } },
} as const

/** The RFC 9457 body of an expected error. `status` overrides the kind's own where HTTP has a finer one (415). */
export function problemOf(
  error: AppError,
  language: Language,
  requestId: string,
  status = STATUS[error.kind],
): Problem {
  return {
    type: 'about:blank',
    title: status === STATUS[error.kind] ? TITLE[error.kind] : 'Unsupported Media Type',
    status,
    code: error.code,
    detail: error.text[language],
    ...error.details,
    request_id: requestId,
  }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError, status?: number): void {
  const language = languageOf(request)
  const problem = problemOf(error, language, request.id, status)
  markLanguage(reply, language)
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', String(error.retryAfterSeconds))
  void reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problem)
}
