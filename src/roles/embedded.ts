import { parseArgs } from 'node:util'
import { type MemoryBroker, memoryBroker } from '#src/adapters/broker/memory.ts'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import type { SqlServerOptions } from '#src/adapters/meter-source/sqlserver/options.ts'
import { fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import { type Config, type Env, loadConfig } from '#src/config/load.ts'
import { systemClock } from '#src/core/clock.ts'
import { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { openDatabase } from '#src/database/database.ts'
import { requeueUnfinished } from '#src/modules/notifications/unfinished.ts'
import type { Broker } from '#src/ports/broker.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { seedDemo } from './embedded/demo.ts'
import { startEngine } from './embedded/engine.ts'
import { loadSecrets, openHome, type Secrets } from './embedded/home.ts'
import { portProblem, refuseTakenPort } from './embedded/ports.ts'
import { readyMessage } from './embedded/ready-message.ts'
import { startSimulators, type Simulators } from './embedded/simulators.ts'
import { Refusal } from './command.ts'
import { embeddedReadiness } from './embedded/readiness.ts'
import { buildApi } from './parts/server.ts'
import { startOutbox } from './parts/outbox.ts'
import { openSources } from './parts/sources.ts'
import { startWorker, TASKS_AT_A_TIME, WORKERS } from './parts/worker.ts'
import { stopSignal } from './stop-signal.ts'

const HOST = '127.0.0.1'
/** After this the process ends whatever still hangs: whoever sent the signal expects an end within ten seconds. */
const STOP_LIMIT_MS = 9_000
const PUSH_DRAIN_MS = 1_000

/** The whole system: engine, simulators, API and workers; stays until a signal asks it to stop. */
export async function run(args: readonly string[], env: Env): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const config = loadConfig('embedded', env)
  // Standard output is for the person who started it; the log goes beside.
  const log = createLogger(config.LOG_LEVEL ?? 'info', process.stderr)
  const opened = new CloseStack(log)
  const stopped = stopSignal()
  let exitCode = 1
  try {
    await Promise.race([start(config, log, opened), stopped])
    await stopped
    exitCode = 0
    return exitCode
  } finally {
    setTimeout(() => process.exit(exitCode), STOP_LIMIT_MS).unref()
    await opened.close()
  }
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
  const cache = opened.use('cache', memoryCache())
  const sources = openSources(
    sourceOptions(simulators.sic, 'SIC', secrets),
    sourceOptions(simulators.sic, 'HISTH2MC', secrets),
    systemClock,
    opened,
  )
  const broker = memoryBroker()
  const outbox = startOutbox({ db: database.db, broker: connect(broker, opened), timers, log }, opened)
  const push = opened.use('push gateway', fcmGateway({ ...simulators.fcm, drainMs: PUSH_DRAIN_MS, log }))
  const kick = (): void => outbox.kick()
  // The broker has started empty: whatever it held at the last stop or crash is still in the database.
  await requeueUnfinished(database.db, systemClock, { isAlone: true })
  for (const queues of WORKERS) {
    const parts = { db: database.db, broker: connect(broker, opened), push, timers, log, kick }
    await startWorker({ ...parts, queues, concurrency: TASKS_AT_A_TIME }, opened)
  }
  kick()
  let phase: 'starting' | 'ready' | 'draining' = 'starting'
  const { app } = await buildApi(
    {
      database,
      log,
      timers,
      jwtSecret: config.JWT_SECRET ?? secrets.jwtSecret,
      metricsToken: config.METRICS_TOKEN,
      readiness: embeddedReadiness(() => phase, database, sources),
      cache,
      ...sources,
      kick,
    },
    opened,
  )
  opened.defer('draining', () => void (phase = 'draining'))
  const url = await app.listen({ port, host: HOST }).catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(portProblem(port, error.code ?? ''))
  })
  phase = 'ready'
  process.stdout.write(
    readyMessage({
      apiUrl: url,
      fcmControlUrl: simulators.fcm.controlUrl,
      sicAddress: `${HOST}:${simulators.sic.port}`,
    }),
  )
}

function connect(broker: MemoryBroker, opened: CloseStack): Broker {
  return opened.use('broker connection', broker.connect())
}

function sourceOptions(sic: Simulators['sic'], database: string, secrets: Secrets): SqlServerOptions {
  return {
    host: HOST,
    port: sic.port,
    database,
    user: sic.user,
    password: secrets.sourcePassword,
    encrypt: 'all',
    // Its certificate is made anew at each start, and the way to it is this machine's loopback.
    trustServerCertificate: true,
    connectTimeoutMs: 2_000,
    queryTimeoutMs: 3_000,
    poolMax: 4,
  }
}
