import type { LightMyRequestResponse } from 'fastify'
import type { Static } from 'typebox'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import type { Actor } from '#src/core/actor.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Db, openDatabase } from '#src/database/database.ts'
import type { App } from '#src/http/app.ts'
import { httpErrors } from '#src/http/errors.ts'
import { createMetrics } from '#src/http/metrics.ts'
import { buildServer } from '#src/http/server.ts'
import { readRecorder } from '#src/modules/audit/staff-reads.ts'
import { comparisonRoute } from '#src/modules/consumption/comparison-route.ts'
import { type KnowledgeParts, openKnowledge } from '#src/modules/consumption/knowledge.ts'
import { consumptionRoutes } from '#src/modules/consumption/routes.ts'
import type { ConsumptionAnswer } from '#src/modules/consumption/schemas.ts'
import { exportRoutes } from '#src/modules/export/routes.ts'
import { meterPolicy } from '#src/modules/meters/meter-policy.ts'
import { meterRoutes } from '#src/modules/meters/routes.ts'
import { userPolicy } from '#src/modules/meters/reach.ts'
import type { Cache } from '#src/ports/cache.ts'
import { type LogCapture, captureLog } from '#test/support/log.ts'
import { AskedPostpaidSource, AskedPrepaidSource } from '#test/support/consumption-sources.ts'
import { testDatabase } from '#test/support/database.ts'
import { aCustomer, aLink, aMeter } from '#test/support/factories.ts'

export type Answer = Static<typeof ConsumptionAnswer>

export interface Caller {
  readonly id: string
  readonly role?: Actor['role']
}

/** An API that serves consumption and meters alone, on a database of its own, with sources and a clock in the test's hands. */
export interface ConsumptionApi extends AsyncDisposable {
  readonly db: Db
  readonly app: App
  readonly cache: Cache
  readonly sic: AskedPrepaidSource
  readonly postpaid: AskedPostpaidSource
  readonly log: LogCapture
  passTime(ms: number): void
  /** Of the caller's own consumption unless `userId` says otherwise. */
  read(caller: Caller, options?: ReadOptions): Promise<LightMyRequestResponse>
  get(caller: Caller, url: string, options?: Pick<ReadOptions, 'headers' | 'app'>): Promise<LightMyRequestResponse>
  /** Another instance on the same database, sources and cache, but for what is given. */
  another(parts?: Partial<KnowledgeParts>): Promise<App>
}

export interface ReadOptions {
  readonly userId?: string
  readonly query?: string
  readonly headers?: Record<string, string>
  readonly app?: App
}

/** A Sunday, 10:00 in Dakar. */
export const TEST_NOW = Date.parse('2026-03-15T10:00:00Z')

export async function consumptionApi(parts: Partial<KnowledgeParts> = {}): Promise<ConsumptionApi> {
  const capture = captureLog()
  const { log } = capture
  const opened = new CloseStack(createLogger('fatal'))
  const fresh = await testDatabase()
  opened.defer('test database', () => fresh.close())
  const { db } = opened.add('pool', openDatabase({ url: fresh.url, log }))
  let now = TEST_NOW
  const clock = (): number => now
  const cache = parts.cache ?? memoryCache({ clock })
  const [sic, postpaid] = [new AskedPrepaidSource(), new AskedPostpaidSource()]
  const policy = userPolicy(db, 'user_id')
  const another = async (others: Partial<KnowledgeParts> = {}): Promise<App> => {
    const known = { db, cache, prepaid: sic, postpaid, clock, log, ...parts, ...others }
    const knowledge = openKnowledge(known)
    const routes = [
      consumptionRoutes({ ...known, knowledge, policy }),
      comparisonRoute({ knowledge, clock, policy }),
      exportRoutes({ knowledge, clock, log, policy }),
      meterRoutes({ knowledge, policy: meterPolicy(db, 'id') }),
    ]
    const readiness = { phase: () => 'ready' as const, dependencies: async () => ({}), required: [] }
    const guards = { verifyToken, recordRead: readRecorder(db) }
    const options = { log, version: '0', ...guards, readiness, metrics: createMetrics(), metricsToken: undefined }
    const { app } = await buildServer({ ...options, routes })
    opened.defer('server', () => app.close())
    return app
  }
  const app = await another()
  const get: ConsumptionApi['get'] = (caller, url, options = {}) =>
    (options.app ?? app).inject({ method: 'GET', url, headers: { ...options.headers, ...tokenOf(caller) } })
  const read: ConsumptionApi['read'] = (caller, options = {}) =>
    get(caller, `/api/consumption/${options.userId ?? caller.id}${options.query ?? ''}`, options)
  return {
    db,
    app,
    cache,
    sic,
    postpaid,
    log: capture,
    another,
    read,
    get,
    passTime: (ms) => void (now += ms),
    [Symbol.asyncDispose]: () => opened.close(),
  }
}

/** A customer who owns a meter of each kind given, in that order. */
export async function aHousehold(db: Db, ...kinds: readonly ('prepaid' | 'postpaid')[]) {
  const { id } = await aCustomer(db)
  const meters: (Awaited<ReturnType<typeof aMeter>> & { key: { number: string; police: string } })[] = []
  for (const kind of kinds) {
    const meter = await aMeter(db, { kind })
    await aLink(db, { meterId: meter.id, accountId: id })
    meters.push({ ...meter, key: { number: meter.number, police: meter.police ?? '' } })
  }
  return { id, meters }
}

/** These tests are not about tokens: a token is who it stands for. */
export function tokenOf({ id, role = 'customer' }: Caller): { authorization: string } {
  return { authorization: `Bearer ${role}/${id}` }
}

function verifyToken(token: string): Actor {
  const [role, accountId] = token.split('/')
  if (role === undefined || accountId === undefined) throw httpErrors.unauthenticated()
  return { accountId, sessionId: accountId, role: role as Actor['role'] }
}
