import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '#src/core/clock.ts'
import type { Db } from '#src/database/database.ts'
import { ACTIVE_FOR_MS } from '#src/modules/consumption/background-refresh.ts'
import { stalestActive } from '#src/modules/consumption/active-meters.ts'
import type { AnswerParts } from '#src/modules/consumption/answers.ts'
import type { BackgroundRefreshParts } from '#src/modules/consumption/background-refresh.ts'

/** The stalest meter is looked for among all of them: once in so long is enough. */
const LOOKED_FOR_MS = 10 * 60_000

export interface ConsumptionMetrics {
  readonly onServed: NonNullable<AnswerParts['onServed']>
  readonly onOutcome: BackgroundRefreshParts['onOutcome']
}

/** How answers about consumption came about, and how the nightly refresh keeps up. */
export function registerConsumptionMetrics(registry: Registry, db: Db, now: Clock): ConsumptionMetrics {
  const served = { HIT: 0, MISS: 0, STALE: 0, NOTHING: 0 }
  const answers = new Counter({
    name: 'consumption_answers_total',
    help: 'answers about consumption: hit is kept, miss was made, stale is old, nothing refused as nothing is known',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const refreshed = new Counter({
    name: 'consumption_refreshed_total',
    help: 'meters that the nightly refresh has asked for',
    labelNames: ['source', 'outcome'],
    registers: [registry],
  })
  registry.registerMetric(
    new Gauge({
      name: 'consumption_cache_hit_ratio',
      help: 'of the answers about consumption since the start, those that were not made anew',
      registers: [],
      collect() {
        const kept = served.HIT + served.STALE
        this.set(kept / (kept + served.MISS + served.NOTHING))
      },
    }),
  )
  registry.registerMetric(oldestActive(db, now))
  return {
    onServed(outcome) {
      served[outcome] += 1
      answers.labels(outcome.toLowerCase()).inc()
    },
    onOutcome: (kind, outcome) => refreshed.labels(kind === 'prepaid' ? 'sic' : 'postpaid', outcome).inc(),
  }
}

function oldestActive(db: Db, now: Clock): Gauge {
  let lookedAt = Number.NEGATIVE_INFINITY
  let readAt: Date | undefined
  return new Gauge({
    name: 'consumption_active_oldest_seconds',
    help: 'how long ago the stalest meter of a customer seen in the last 30 days was read; looked up every 10 minutes',
    registers: [],
    async collect() {
      if (now() - lookedAt >= LOOKED_FOR_MS) {
        lookedAt = now()
        // Without the database there is no number, and a scrape must not fail for it.
        readAt = await stalestActive(db, new Date(now() - ACTIVE_FOR_MS)).catch(() => undefined)
      }
      this.set(readAt === undefined ? Number.NaN : (now() - readAt.getTime()) / 1_000)
    },
  })
}
