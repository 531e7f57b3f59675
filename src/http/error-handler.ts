import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '#src/core/errors.ts'
import type { Logger } from '#src/core/logger.ts'
import { httpErrors } from '#src/http/errors.ts'
import { sendProblem } from '#src/http/problem.ts'
import { validationProblem } from '#src/http/validation.ts'

/** What the trouble of a part that HTTP does not know is to a client; undefined for what is none of its. */
export type Translate = (error: unknown) => AppError | undefined

/** Where every thrown thing becomes an answer. What is not expected is logged with its stack and told to nobody. */
export function errorHandler(log: Logger, translate: Translate) {
  return (thrown: FastifyError | AppError, request: FastifyRequest, reply: FastifyReply): void => {
    const error = translate(thrown) ?? thrown
    if (error instanceof AppError) {
      if (error.kind === 'unavailable') log.warn({ err: error, request_id: request.id }, 'unavailable')
      return sendProblem(request, reply, error)
    }
    if (error.validation !== undefined) return sendProblem(request, reply, validationProblem(error))
    switch (error.code) {
      case 'FST_ERR_CTP_BODY_TOO_LARGE':
        // Closed before the rest has come, a connection is reset, and the client may never see this answer. What comes is
        // read and dropped instead, for as long as any request may take.
        void reply.removeHeader('connection')
        return sendProblem(
          request,
          reply,
          httpErrors.bodyTooLarge({ details: { most_bytes: request.routeOptions.bodyLimit } }),
        )
      case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
        return sendProblem(request, reply, httpErrors.unsupportedMediaType(), 415)
      case 'FST_ERR_CTP_INVALID_JSON_BODY':
      case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
        return sendProblem(request, reply, httpErrors.malformedJson())
    }
    if (error instanceof SyntaxError && error.statusCode === 400) {
      return sendProblem(request, reply, httpErrors.malformedJson())
    }
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
      return sendProblem(request, reply, httpErrors.malformedRequest(), error.statusCode)
    }
    log.error({ err: error, request_id: request.id, method: request.method, route: request.routeOptions.url }, 'failed')
    sendProblem(request, reply, httpErrors.internal())
  }
}
