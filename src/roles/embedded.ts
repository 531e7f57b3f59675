import { parseArgs } from 'node:util'
import { memoryBroker } from '#src/adapters/broker/memory.ts'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import type { SqlServerAddress } from '#src/adapters/meter-source/sqlserver/url.ts'
import { fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import { type Config, type Env, loadConfig } from '#src/config/load.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { type Database, type Db, openDatabase } from '#src/database/database.ts'
import { requeueUnfinished } from '#src/modules/notifications/unfinished.ts'
import type { Broker } from '#src/ports/broker.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { seedDemo } from './embedded/demo.ts'
import { startEngine } from './embedded/engine.ts'
import { loadSecrets, openHome, type Secrets } from './embedded/home.ts'
import { refuseTakenPort } from './embedded/ports.ts'
import { readyMessage } from './embedded/ready-message.ts'
import { startSimulators, type Simulators } from './embedded/simulators.ts'
import { readinessOf } from './parts/readiness.ts'
import { serveApi } from './parts/serve-api.ts'
import { startOutbox } from './parts/outbox.ts'
import { openSources } from './parts/sources.ts'
import { startWorker, TASKS_AT_A_TIME, WORKERS } from './parts/worker.ts'
import { runUntilStopped } from './run-until-stopped.ts'

const HOST = '127.0.0.1'
const PUSH_DRAIN_MS = 1_000

/** The whole system: engine, simulators, API and workers; stays until a signal asks it to stop. */
export async function run(args: readonly string[], env: Env): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const config = loadConfig('embedded', env)
  // Standard output is for the person who started it; the log goes beside.
  const log = createLogger(config.LOG_LEVEL ?? 'info', process.stderr)
  return runUntilStopped(log, (opened) => start(config, log, opened))
}

async function start(config: Config, log: Logger, opened: CloseStack): Promise<void> {
  const port = Number(config.PORT)
  await refuseTakenPort(port)
  const { home, lock } = await openHome(config.SAMACONSO_HOME ?? '')
  opened.add('lock of the data folder', lock)
  const secrets = await loadSecrets(home)
  const engine = await startEngine(home, secrets, log, opened)
  const database = opened.add('database', openDatabase({ url: engine.databaseUrl, log }))
  await seedDemo(database.db)
  const simulators = await startSimulators({ home, secrets, sourcesUrl: engine.sourcesUrl, apiPort: port }, log, opened)
  const kick = await startWorkers(database.db, simulators, log, opened)
  const api = await startApi({ config, secrets, database, simulators, kick, log }, opened)
  process.stdout.write(
    readyMessage({
      apiUrl: api,
      fcmControlUrl: simulators.fcm.controlUrl,
      sicAddress: `${HOST}:${simulators.sic.port}`,
    }),
  )
}

/** The broker, the outbox and both workers; returns what publishes the outbox. */
async function startWorkers(db: Db, simulators: Simulators, log: Logger, opened: CloseStack): Promise<() => void> {
  const server = memoryBroker()
  const connect = (): Broker => opened.use('broker connection', server.connect())
  const outbox = startOutbox({ db, broker: connect(), timers, log }, opened)
  const push = opened.use('push gateway', fcmGateway({ ...simulators.fcm, drainMs: PUSH_DRAIN_MS, log }))
  const kick = (): void => outbox.kick()
  // The broker has started empty: whatever it held at the last stop or crash is still in the database.
  await requeueUnfinished(db, timers.now, { isAlone: true })
  for (const queues of WORKERS) {
    const parts = { db, broker: connect(), push, timers, log, kick }
    await startWorker({ ...parts, queues, concurrency: TASKS_AT_A_TIME }, opened)
  }
  kick()
  return kick
}

interface EmbeddedApi {
  readonly config: Config
  readonly secrets: Secrets
  readonly database: Database
  readonly simulators: Simulators
  readonly kick: () => void
  readonly log: Logger
}

async function startApi(parts: EmbeddedApi, opened: CloseStack): Promise<string> {
  const { config, secrets, database, simulators, log } = parts
  const login = (name: string) => ({ address: sicAddress(simulators, name), password: secrets.sourcePassword })
  const sources = openSources({ sic: login('SIC'), postpaid: login('HISTH2MC') }, timers.now, opened)
  // Broker and cache are inside the process: they are there as long as it is.
  const others = () => ({ broker: 'ok', cache: 'ok', ...sources.states() }) as const
  return serveApi(
    {
      ...parts,
      ...sources,
      timers,
      jwtSecret: config.JWT_SECRET ?? secrets.jwtSecret,
      metricsToken: config.METRICS_TOKEN,
      cache: opened.use('cache', memoryCache()),
      readiness: (phase) => readinessOf(phase, database, others),
      log,
    },
    { host: HOST, port: Number(config.PORT), drainMs: 0 },
    opened,
  )
}

function sicAddress(simulators: Simulators, database: string): SqlServerAddress {
  const { port, user } = simulators.sic
  // Its certificate is made anew at each start, and the way to it is this machine's loopback.
  return { host: HOST, port, database, user, encrypt: 'all', trustServerCertificate: true }
}
