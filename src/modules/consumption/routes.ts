import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '#src/core/actor.ts'
import type { Clock } from '#src/core/clock.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Db } from '#src/database/database.ts'
import type { App, Routes } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { type MeterScope, meterScope, usersOfMeter } from '#src/modules/meters/linked-meters.ts'
import type { Cache } from '#src/ports/cache.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'
import { Answers, forgetUsers, type ServedAnswer } from './answers.ts'
import { consumptionOf } from './consumption.ts'
import { matchesTag } from './entity-tag.ts'
import { FRESH_FOR_MS } from './freshness.ts'
import { MeterReadings } from './meter-readings.ts'
import { rangeResolver } from './range.ts'
import { ConsumptionAnswer, ConsumptionParams, ConsumptionQuery } from './schemas.ts'

export interface ConsumptionRouteParts {
  readonly db: Db
  readonly cache: Cache
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Who reaches a user's consumption, by the path's `user_id`. */
  readonly policy: ObjectPolicy
  /** How old what we know of a meter may be before its source is asked again. @default 15 minutes */
  readonly freshForMs?: number
  /** How long a request waits for the sources before it answers with what is known. @default 5_000 */
  readonly patienceMs?: number
}

const PATIENCE_MS = 5_000

/** `GET /api/consumption/{user_id}`: cache, then PostgreSQL, then the sources for what is missing or old there. */
export function consumptionRoutes(parts: ConsumptionRouteParts): Routes {
  return (app) => {
    const answers = openAnswers(app, parts)
    consumptionRoute(app, parts, answers)
  }
}

function openAnswers(app: App, parts: ConsumptionRouteParts): Answers {
  const { db, cache, clock, log, freshForMs = FRESH_FOR_MS, patienceMs = PATIENCE_MS } = parts
  const { prepaid, postpaid } = parts
  const onChange = async (meterId: string): Promise<void> => forgetUsers(cache, await usersOfMeter(db, meterId))
  const readings = new MeterReadings({ db, cache, prepaid, postpaid, clock, log, freshForMs, patienceMs, onChange })
  const consumption = { db, readings, now: clock, freshForMs }
  const answers = new Answers({
    cache,
    clock,
    log,
    knowledgeFreshForMs: freshForMs,
    load: (question, beforeLooking) => consumptionOf(consumption, question, beforeLooking),
  })
  app.addHook('onClose', async () => {
    await readings.close()
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
      const userId = request.params.user_id.toLowerCase()
      const { from, to, group_by: grouping = 'month', meter_id: meterId } = request.query
      const asked = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
      const answer = await answers.serve({
        userId,
        scope: await scopeOf(db, actorOf(request), userId),
        ...resolveRange(asked),
        grouping,
        meterId: meterId?.toLowerCase(),
      })
      return send(reply, answer, request.headers['if-none-match'])
    },
  )
}

async function scopeOf(db: Db, actor: Actor, userId: string): Promise<MeterScope> {
  const scope = await meterScope(db, actor, userId)
  if (scope === undefined) throw httpErrors.notFound()
  return scope
}

/** The text goes out as it is: serialising it again would cost more than everything else that a hit does. */
function send(reply: FastifyReply, { status, etag, body }: ServedAnswer, ifNoneMatch: string | undefined) {
  void reply.headers({ etag, 'x-cache': status, 'cache-control': 'private, max-age=0, must-revalidate' })
  if (matchesTag(ifNoneMatch, etag)) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(body)
}
