import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { terminalSms } from '#src/adapters/sms/terminal.ts'
import type { SqlServerAddress } from '#src/adapters/meter-source/sqlserver/url.ts'
import { type Config, type Env, loadConfig } from '#src/config/load.ts'
import { steadyClock } from '#src/core/clock.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { type Database, type Db, openDatabase } from '#src/database/database.ts'
import { requeueUnfinished } from '#src/modules/notifications/sending/unfinished.ts'
import type { PushGateway } from '#src/ports/push-gateway.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { seedDemo } from './embedded/demo.ts'
import { startEngine } from './embedded/engine.ts'
import { loadSecrets, openHome, type Secrets } from './embedded/home.ts'
import { refuseTakenPort } from './embedded/ports.ts'
import { openReplaceable, type Replaceable } from './embedded/replaceable.ts'
import { readyMessage } from './embedded/ready-message.ts'
import { startSimulators, type Simulators } from './embedded/simulators.ts'
import { consumptionSettings } from './parts/consumption-settings.ts'
import { openPush, pushAddress, pushPace } from './parts/push.ts'
import { availability, readinessOf } from './parts/readiness.ts'
import { serveApi } from './parts/serve-api.ts'
import { startOutbox } from './parts/outbox.ts'
import { sourceLogins } from './parts/source-login.ts'
import { openSources } from './parts/sources.ts'
import { startWorker, TASKS_AT_A_TIME, WORKERS } from './parts/worker.ts'
import { runUntilStopped } from './run-until-stopped.ts'

const HOST = '127.0.0.1'

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
  const engine = await startEngine({ home, secrets, databaseUrl: config.DATABASE_DIRECT_URL }, log, opened)
  const database = opened.add('database', openDatabase({ url: engine.databaseUrl, log }))
  await seedDemo(database.db)
  const replaceable = openReplaceable(config, log, opened)
  const simulators = await startSimulators({ home, secrets, sourcesUrl: engine.sourcesUrl, apiPort: port }, log, opened)
  const push = openPush(pushAddress(config) ?? simulators.fcm, pushPace(config, 1), log, opened)
  const kick = await startWorkers({ db: database.db, push, log, ...replaceable }, opened)
  const api = await startApi({ config, secrets, database, simulators, kick, log, ...replaceable }, opened)
  process.stdout.write(
    readyMessage({
      apiUrl: api,
      fcmControlUrl: simulators.fcm.controlUrl,
      sicAddress: `${HOST}:${simulators.sic.port}`,
    }),
  )
}

interface EmbeddedWorkers extends Replaceable {
  readonly db: Db
  readonly push: PushGateway
  readonly log: Logger
}

/** The outbox and both workers; returns what publishes the outbox. */
async function startWorkers(parts: EmbeddedWorkers, opened: CloseStack): Promise<() => void> {
  const { db, connect, log } = parts
  const outbox = startOutbox({ db, broker: connect('the outbox'), timers, log }, opened)
  const kick = (): void => outbox.kick()
  // What a broker inside the process held at the last stop or crash is still in the database.
  if (parts.brokerStartsEmpty) await requeueUnfinished(db, timers.now, { isAlone: true })
  for (const [index, queues] of WORKERS.entries()) {
    const name = `worker${index + 1}@${hostname()}`
    const work = { name, queues, concurrency: TASKS_AT_A_TIME, isReachable: !parts.brokerStartsEmpty }
    await startWorker({ ...parts, ...work, broker: connect(name), timers, kick }, opened)
  }
  kick()
  return kick
}

interface EmbeddedApi extends Replaceable {
  readonly config: Config
  readonly secrets: Secrets
  readonly database: Database
  readonly simulators: Simulators
  readonly kick: () => void
  readonly log: Logger
}

async function startApi(parts: EmbeddedApi, opened: CloseStack): Promise<string> {
  const { config, secrets, database, simulators, log } = parts
  const given = sourceLogins(config)
  const simulated = (name: string) => ({ address: sicAddress(simulators, name), password: secrets.sourcePassword })
  const logins = {
    sic: given.sic ?? simulated('SIC'),
    postpaid: given.postpaid ?? simulated('HISTH2MC'),
    bi_ods: given.bi_ods ?? simulated('BI_ODS'),
  }
  const sources = openSources(logins, steadyClock, opened)
  const broker = parts.connect('the API')
  const others = () => ({ broker: availability(broker.isConnected), ...sources.states() })
  return serveApi(
    {
      ...parts,
      ...sources,
      consumption: consumptionSettings(config),
      sms: terminalSms(process.stderr),
      timers,
      jwtSecret: config.JWT_SECRET ?? secrets.jwtSecret,
      metricsToken: config.METRICS_TOKEN,
      broker,
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
