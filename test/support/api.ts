import { memoryCache } from '#src/adapters/cache/memory.ts'
import { memoryEventBus } from '#src/adapters/event-bus/memory.ts'
import { systemClock, type Clock } from '#src/core/clock.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { memoryResults } from '#src/adapters/results/memory.ts'
import { systemTimers } from '#src/core/timers.ts'
import { createLogger } from '#src/core/logger.ts'
import { type Database, type Db, openDatabase } from '#src/database/database.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import { type Api, buildApi } from '#src/roles/parts/server.ts'
import { type LogCapture, captureLog } from '#test/support/log.ts'
import { testDatabase } from '#test/support/database.ts'

export const TEST_JWT_SECRET = 'signs tokens in tests'

export interface TestApi extends AsyncDisposable {
  readonly server: Api
  readonly database: Database
  readonly log: LogCapture
  /** Another API process on the same database, as behind the balancer. */
  another(): Promise<Api>
}

export interface TestApiOptions {
  readonly clock?: Clock
  /** The way to the database, as through something that can be cut. */
  readonly reach?: (url: string) => string | Promise<string>
  /** What the API's statements go through, as a recorder. */
  readonly through?: (db: Db) => Db
  /** The event bus of each process. @default one in memory for all */
  readonly bus?: () => EventBus
}

/** The API over a database of its own, called by `inject`; no socket is opened. */
export async function testApi(options: TestApiOptions = {}): Promise<TestApi> {
  const clock = options.clock ?? systemClock
  const capture = captureLog()
  const opened = new CloseStack(createLogger('fatal'))
  const fresh = await testDatabase()
  opened.defer('test database', () => fresh.close())
  const pool = opened.add('pool', openDatabase({ url: await (options.reach ?? String)(fresh.url), log: capture.log }))
  const database = { ...pool, db: options.through?.(pool.db) ?? pool.db }
  const shared = opened.use('event bus', memoryEventBus({ log: capture.log }))
  const build = (): Promise<Api> =>
    buildApi(
      {
        database,
        log: capture.log,
        timers: { ...systemTimers, now: clock },
        jwtSecret: TEST_JWT_SECRET,
        metricsToken: undefined,
        bus: options.bus === undefined ? shared : opened.use('event bus', options.bus()),
        cache: memoryCache({ clock }),
        prepaid: undefined,
        postpaid: undefined,
        register: undefined,
        customers: undefined,
        states: () => ({ sic: 'not_configured', postpaid: 'not_configured' }),
        consumption: { keptYears: 10, refresh: undefined },
        sms: undefined,
        kick: () => {},
        results: memoryResults({ clock }),
        readiness: { phase: () => 'ready', dependencies: async () => ({ database: 'ok' }), required: ['database'] },
      },
      opened,
    )
  const server = await build()
  return { server, database, log: capture, another: build, [Symbol.asyncDispose]: () => opened.close() }
}
