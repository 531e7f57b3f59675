import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Language, preferredLanguage } from '#src/core/language.ts'

/** What the caller asked to be told in. */
export function languageOf(request: FastifyRequest): Language {
  return preferredLanguage(request.headers['accept-language'])
}

/** Marks an answer that holds sentences in the caller's language. */
export function inLanguage<T extends FastifyReply>(request: FastifyRequest, reply: T): T {
  void reply.headers({
    'content-language': languageOf(request),
    vary: 'accept-language',
    'cache-control': 'private, no-store',
  })
  return reply
}
