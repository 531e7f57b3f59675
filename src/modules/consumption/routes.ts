import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import type { App, Routes } from '#src/http/app.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import type { Cache } from '#src/ports/cache.ts'
import { type AnswerParts, Answers, type ServedAnswer } from './answers.ts'
import { scopeOf } from './asked-meters.ts'
import { consumptionOf } from './consumption.ts'
import { matchesTag } from './entity-tag.ts'
import type { Knowledge } from './knowledge.ts'
import { rangeResolver } from './range.ts'
import { ConsumptionAnswer, ConsumptionParams, ConsumptionQuery } from './schemas.ts'

export interface ConsumptionRouteParts extends Pick<AnswerParts, 'onServed'> {
  readonly db: Db
  readonly cache: Cache
  readonly clock: Clock
  readonly log: Logger
  /** Its readings end with the server, before the answers that wait for them. */
  readonly knowledge: Knowledge
  /** Who reaches a user's consumption, by the path's `user_id`. */
  readonly policy: ObjectPolicy
}

/** `GET /api/consumption/{user_id}`: cache, then PostgreSQL, then the sources for what is missing or old there. */
export function consumptionRoutes(parts: ConsumptionRouteParts): Routes {
  return (app) => {
    const answers = openAnswers(app, parts)
    consumptionRoute(app, parts, answers)
  }
}

function openAnswers(app: App, { cache, clock, log, knowledge, onServed }: ConsumptionRouteParts): Answers {
  const answers = new Answers({
    cache,
    clock,
    log,
    knowledgeFreshForMs: knowledge.freshForMs,
    ...(onServed !== undefined && { onServed }),
    load: (question, beforeLooking) => consumptionOf(knowledge, question, beforeLooking),
  })
  app.addHook('onClose', async () => {
    await knowledge.readings.close()
    await answers.close()
  })
  return answers
}

function consumptionRoute(app: App, { db, clock, policy }: ConsumptionRouteParts, answers: Answers): void {
  const resolveRange = rangeResolver(clock)
  app.get(
    '/api/consumption/:user_id',
    {
      config: { policy },
      schema: {
        tags: ['consumption'],
        summary: 'What a user consumed and paid, by meter and period',
        description:
          'Each sale or bill counts whole on its own date. `X-Cache`: HIT is kept, MISS was made for this request (both have the same bytes), STALE is older than it should be because a source is down or it is being renewed. Send the ETag back in If-None-Match.',
        params: ConsumptionParams,
        querystring: ConsumptionQuery,
        response: {
          200: ConsumptionAnswer,
          304: Type.Null({ description: 'the answer is the one of If-None-Match' }),
          503: ProblemAnswer,
        },
      },
    },
    async (request, reply) => {
      const userId = request.params.user_id
      const { group_by: grouping = 'month', meter_id: meterId } = request.query
      // What is at hand is not awaited: each time would cost a twentieth of a hit.
      const scope = scopeOf(db, actorOf(request), userId)
      const answer = answers.serve({
        userId,
        scope: scope instanceof Promise ? await scope : scope,
        ...resolveRange(request.query),
        grouping,
        meterId: meterId?.toLowerCase(),
      })
      return send(reply, answer instanceof Promise ? await answer : answer, request.headers['if-none-match'])
    },
  )
}

/** The text goes out as it is: serialising it again would cost more than everything else that a hit does. */
function send(reply: FastifyReply, { status, etag, body }: ServedAnswer, ifNoneMatch: string | undefined) {
  void reply.headers({ etag, 'x-cache': status, 'cache-control': 'private, max-age=0, must-revalidate' })
  if (matchesTag(ifNoneMatch, etag)) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(body)
}
