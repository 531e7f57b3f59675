import { Gauge, type Registry } from 'prom-client'
import type { Db, PoolUse } from '#src/database/database.ts'
import type { DependencyState } from '#src/http/health.ts'
import { RecentPushCounter } from '#src/modules/notifications/recent-pushes.ts'
import { outboxLag } from '#src/modules/outbox/outbox.ts'
import { registerPushGauges } from './push-gauges.ts'

export interface GaugeParts {
  readonly db: Db
  readonly poolUse: () => PoolUse
  readonly now: () => number
  /** How many event streams are open. */
  readonly streams: () => number
  readonly dependencies: () => Promise<Readonly<Record<string, DependencyState>>>
}

/** What operators watch beside the requests, looked up when Prometheus asks. */
export function registerGauges(registry: Registry, { db, poolUse, now, streams, dependencies }: GaugeParts): void {
  // Without the database there is no number, and a scrape must not fail for it.
  const lag = () => outboxLag(db, new Date(now())).catch(() => ({ waiting: Number.NaN, oldestSeconds: Number.NaN }))
  registry.registerMetric(
    new Gauge({
      name: 'outbox_waiting',
      help: 'tasks that are due and not with the broker yet',
      registers: [],
      async collect() {
        this.set((await lag()).waiting)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'outbox_oldest_seconds',
      help: 'how long the oldest due task waits for the broker',
      registers: [],
      async collect() {
        this.set((await lag()).oldestSeconds)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'database_pool',
      help: 'connections to PostgreSQL of this process, by what they do, and the questions that wait for one',
      labelNames: ['state'],
      registers: [],
      collect() {
        for (const [state, count] of Object.entries(poolUse())) this.labels(state).set(count)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'event_streams',
      help: 'streams of GET /api/events that are open in this process',
      registers: [],
      collect() {
        this.set(streams())
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'dependency_up',
      help: '1 when the dependency answered when last asked; one that no setting names is not there',
      labelNames: ['dependency'],
      registers: [],
      async collect() {
        for (const [dependency, state] of Object.entries(await dependencies())) {
          if (state !== 'not_configured') this.labels(dependency).set(state === 'ok' ? 1 : 0)
        }
      },
    }),
  )
  registerPushGauges(registry, new RecentPushCounter(db, now))
}
