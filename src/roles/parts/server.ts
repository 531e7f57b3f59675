import { readFileSync } from 'node:fs'
import { taskStatus } from '#src/celery/results/task-status.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import { databaseProblem } from '#src/database/errors.ts'
import type { Database } from '#src/database/database.ts'
import type { DependencyState, Readiness } from '#src/http/health.ts'
import { createMetrics } from '#src/http/metrics.ts'
import { buildServer, type Server } from '#src/http/server.ts'
import { broadcastRevocations } from '#src/modules/accounts/revocation-broadcast.ts'
import { accounts } from '#src/modules/accounts/accounts.ts'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { auditRoutes } from '#src/modules/audit/routes.ts'
import { comparisonRoute } from '#src/modules/consumption/comparison-route.ts'
import { openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { consumptionRoutes } from '#src/modules/consumption/routes.ts'
import { exportRoutes } from '#src/modules/export/routes.ts'
import { eventsRoute } from '#src/modules/inbox/events-route.ts'
import { Hub } from '#src/modules/inbox/hub.ts'
import { inboxRoutes } from '#src/modules/inbox/routes.ts'
import { linkRoutes } from '#src/modules/meters/links/routes.ts'
import { meterPolicy } from '#src/modules/meters/meter-policy.ts'
import { meterRoutes } from '#src/modules/meters/routes.ts'
import { notificationRoutes } from '#src/modules/notifications/routes.ts'
import { notificationUpkeep } from '#src/modules/notifications/upkeep.ts'
import { OneTimeCodes } from '#src/modules/one-time-codes/one-time-codes.ts'
import { oneTimeCodeUpkeep } from '#src/modules/one-time-codes/upkeep.ts'
import { preferenceRoutes } from '#src/modules/preferences/routes.ts'
import { selfPolicy, userPolicy } from '#src/modules/meters/reach.ts'
import { tariffRoutes } from '#src/modules/tariffs/routes.ts'
import { taskRoutes } from '#src/modules/tasks/routes.ts'
import type { Broker } from '#src/ports/broker.ts'
import { registerConsumptionMetrics } from './consumption-metrics.ts'
import type { ConsumptionSettings } from './consumption-settings.ts'
import { startConsumptionUpkeep } from './consumption-upkeep.ts'
import { registerGauges } from './gauges.ts'
import type { Cache } from '#src/ports/cache.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import type { ResultStore } from '#src/ports/result-store.ts'
import type { CustomerSource } from '#src/ports/customer-source.ts'
import type { MeterRegister } from '#src/ports/meter-register.ts'
import type { PostpaidSource, PrepaidSource } from '#src/ports/meter-source.ts'
import type { Sms } from '#src/ports/sms.ts'

export interface ApiParts {
  readonly database: Database
  readonly log: Logger
  readonly timers: Timers
  readonly jwtSecret: string
  readonly metricsToken: string | undefined
  readonly readiness: Readiness
  readonly cache: Cache
  /** Undefined when not configured: such a source is unavailable. */
  readonly prepaid: PrepaidSource | undefined
  readonly postpaid: PostpaidSource | undefined
  readonly register: MeterRegister | undefined
  readonly customers: CustomerSource | undefined
  /** Whether each source was answering when it was last asked. */
  readonly states: () => Readonly<Record<'sic' | 'postpaid', DependencyState>>
  readonly consumption: ConsumptionSettings
  /** Undefined when not configured: steps that need a code by message are refused. */
  readonly sms: Sms | undefined
  /** Where other API processes hear of sessions that end here; undefined when there are none. */
  readonly broker?: Broker
  /** Where API processes and workers tell each other of inboxes that have changed. */
  readonly bus: EventBus
  /** Where the outcomes of tasks are kept. */
  readonly results: Pick<ResultStore, 'read'>
  /** The outbox was filled: publish it. Must not throw or wait. */
  readonly kick: () => void
}

const packageFile = new URL('../../../package.json', import.meta.url)

export interface Api extends Server {
  /** The instance is about to stop: ends what clients hold open for long, while others can still take them. */
  readonly drain: () => void
}

/** The API put together from its parts, not yet listening. What it opens is closed by `opened`. */
export async function buildApi(parts: ApiParts, opened: CloseStack): Promise<Api> {
  const { db } = parts.database
  const clock = parts.timers.now
  const { keptYears } = parts.consumption
  const knowledge = openKnowledge({ ...parts, keptYears, clock, db })
  const own = { selfPolicy: selfPolicy('id') }
  const account = accounts({ ...parts, ...own, db, profilePolicy: userPolicy(db, 'id') })
  await account.revocations.start()
  opened.add('revocations', account.revocations)
  if (parts.broker !== undefined) {
    opened.add('broadcast', broadcastRevocations(parts.broker, account.revocations, parts.log))
  }
  opened.add('upkeep of accounts', account.startUpkeep())
  opened.add('upkeep of notifications', notificationUpkeep({ ...parts, db }))
  const codes = new OneTimeCodes({ clock, sms: parts.sms, secret: parts.jwtSecret })
  opened.add('upkeep of one-time codes', oneTimeCodeUpkeep({ ...parts, db }))
  const hub = new Hub({ ...parts, db })
  account.revocations.onEnded((sessionId) => hub.sessionEnded(sessionId))
  const metrics = createMetrics()
  const consumption = registerConsumptionMetrics(metrics.registry, db, clock)
  const { dependencies } = parts.readiness
  registerGauges(metrics.registry, {
    db,
    poolUse: parts.database.use,
    now: clock,
    streams: () => hub.count,
    dependencies,
  })
  const server = await buildServer({
    log: parts.log,
    version: (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version,
    verifyToken: (token) => account.tokens.verify(token),
    recordRead: readRecorder(db),
    readiness: parts.readiness,
    metrics,
    metricsToken: parts.metricsToken,
    translate: databaseProblem,
    routes: [
      account.routes,
      consumptionRoutes({ ...parts, ...consumption, clock, db, knowledge, policy: userPolicy(db, 'user_id') }),
      comparisonRoute({ knowledge, clock, policy: userPolicy(db, 'user_id') }),
      exportRoutes({ ...parts, knowledge, clock, policy: userPolicy(db, 'user_id') }),
      meterRoutes({ knowledge, policy: meterPolicy(db, 'id') }),
      linkRoutes({ ...parts, clock, db, codes }),
      tariffRoutes({ knowledge, policy: meterPolicy(db, 'id') }),
      notificationRoutes({ ...parts, clock, db }),
      inboxRoutes({ ...parts, ...own, clock, db }),
      eventsRoute({ hub, timers: parts.timers, expiryOf: (token) => account.tokens.expiryOf(token) }),
      preferenceRoutes({ ...own, clock, db }),
      auditRoutes({ db }),
      taskRoutes({ readTask: async (id) => taskStatus(id, await parts.results.read(id)) }),
    ],
  })
  opened.defer('http server', () => server.app.close())
  startConsumptionUpkeep({ ...parts, ...consumption, db, readings: knowledge.readings }, opened)
  // Before the server, which waits for every answer to end.
  opened.add('event streams', hub)
  return { ...server, drain: () => hub.drain() }
}
