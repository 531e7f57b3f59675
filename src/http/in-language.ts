import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Language, preferredLanguage } from '#src/core/language.ts'

/** What the caller asked to be told in. */
export function languageOf(request: FastifyRequest): Language {
  return preferredLanguage(request.headers['accept-language'])
}

/** Marks an answer that holds sentences in the caller's language. */
export function inLanguage<T extends FastifyReply>(request: FastifyRequest, reply: T): T {
  markLanguage(reply, languageOf(request))
  void reply.header('cache-control', 'private, no-store')
  return reply
}

/** Says in which language an answer is, and that Accept-Language chose it, beside whatever else chose it. */
export function markLanguage(reply: FastifyReply, language: Language): void {
  const chosenBy = [reply.getHeader('vary') ?? []].flat().join(', ')
  const isTold = chosenBy.split(',').some((name) => ['*', 'accept-language'].includes(name.trim().toLowerCase()))
  const vary = isTold ? chosenBy : [chosenBy, 'Accept-Language'].filter(Boolean).join(', ')
  void reply.headers({ 'content-language': language, vary })
}
