import type { Clock } from '#src/core/clock.ts'
import { type Day, dayOf, firstOfMonth } from '#src/core/calendar.ts'
import type { App, Routes } from '#src/http/app.ts'
import { actorOf, type ObjectPolicy } from '#src/http/policy.ts'
import { ProblemAnswer } from '#src/http/problem.ts'
import { scopeOf } from './asked-meters.ts'
import { comparedRanges } from './compared-ranges.ts'
import { comparisonOf } from './comparison.ts'
import { ComparisonAnswer, ComparisonQuery } from './comparison-schemas.ts'
import { toComparisonAnswer } from './comparison-view.ts'
import type { Knowledge } from './knowledge.ts'
import { type DayRange, resolveRange } from './range.ts'
import { ConsumptionParams } from './schemas.ts'

export interface ComparisonRouteParts {
  readonly knowledge: Knowledge
  readonly clock: Clock
  /** Who reaches a user's consumption, by the path's `user_id`. */
  readonly policy: ObjectPolicy
}

/** `GET /api/consumption/{user_id}/comparison` */
export function comparisonRoute({ knowledge, clock, policy }: ComparisonRouteParts): Routes {
  return (app: App) => {
    app.get(
      '/api/consumption/:user_id/comparison',
      {
        config: { policy },
        schema: {
          tags: ['consumption'],
          summary: 'A range beside the one before it and the same one a year earlier',
          description:
            'Like with like: of a range under way only the days up to today are compared, with as much of the others, and `current`, `previous` and `year_before` say which days that are. A bill speaks of about two months and counts whole on its day: of a postpaid meter a change is told only where both ranges hold as many bills, and of the total only where that is so of each meter; `change_unknown_because` says why not, and `comparable` has the meters of which it is so.',
          params: ConsumptionParams,
          querystring: ComparisonQuery,
          response: { 200: ComparisonAnswer, 503: ProblemAnswer },
        },
      },
      async (request, reply) => {
        const userId = request.params.user_id
        const today = dayOf(clock())
        const ranges = comparedRanges(askedRange(request.query, today), today)
        const scope = await scopeOf(knowledge.db, actorOf(request), userId)
        const asked = { userId, scope, meterId: request.query.meter_id?.toLowerCase() }
        const comparison = await comparisonOf(knowledge, asked, ranges)
        return reply.header('cache-control', 'no-store').send(toComparisonAnswer(userId, comparison))
      },
    )
  }
}

/** By default the last full month: a month that has just begun says little. */
function askedRange(asked: Partial<DayRange>, today: Day): DayRange {
  if (asked.from !== undefined || asked.to !== undefined) return resolveRange(asked, today)
  return { from: firstOfMonth(today, -1), to: firstOfMonth(today) }
}
