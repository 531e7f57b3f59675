import { parseArgs } from 'node:util'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { redisCache } from '#src/adapters/cache/redis.ts'
import { redisEventBus } from '#src/adapters/event-bus/redis.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import { type Config, loadConfig, required } from '#src/config/load.ts'
import { steadyClock } from '#src/core/clock.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { openDatabase } from '#src/database/database.ts'
import type { Run } from './command.ts'
import { type ConsumptionSettings, consumptionSettings } from './parts/consumption-settings.ts'
import { refuseDemoAccounts } from './parts/no-demo-accounts.ts'
import { startOutbox } from './parts/outbox.ts'
import { availability, readinessOf } from './parts/readiness.ts'
import { serveApi } from './parts/serve-api.ts'
import { sourceLogins } from './parts/source-login.ts'
import { openSources } from './parts/sources.ts'
import { untilAnswered } from './parts/until-answered.ts'
import { runUntilStopped } from './run-until-stopped.ts'

/** Every address: the balancer comes from another machine, and the firewall says who else may. */
const HOST = '0.0.0.0'
/** Two looks of the balancer at /health, so that it has taken this instance out before the door closes. */
const DRAIN_MS = 5_000

export const run: Run = async (args, env) => {
  parseArgs({ args: [...args], options: {} })
  const config = loadConfig('api', env)
  const logins = sourceLogins(config)
  const consumption = consumptionSettings(config)
  const log = createLogger(config.LOG_LEVEL ?? 'info')
  return runUntilStopped(log, (opened) => start({ config, logins, consumption }, log, opened))
}

interface ApiSettings {
  readonly config: Config
  readonly logins: ReturnType<typeof sourceLogins>
  readonly consumption: ConsumptionSettings
}

async function start({ config, logins, consumption }: ApiSettings, log: Logger, opened: CloseStack): Promise<void> {
  const database = opened.add('database', openDatabase({ url: required(config, 'DATABASE_URL'), log }))
  await untilAnswered('the database', () => refuseDemoAccounts(database.db), log)
  const cache = opened.use('cache', redisCache({ url: required(config, 'REDIS_URL'), log }))
  const bus = opened.use('event bus', redisEventBus({ url: required(config, 'REDIS_URL'), log }))
  const results = opened.use('results', redisResults({ url: required(config, 'REDIS_URL'), log }))
  const broker = opened.use('broker', rabbitmqBroker({ url: required(config, 'BROKER_URL'), log, name: 'api', timers }))
  const outbox = startOutbox({ db: database.db, broker, timers, log }, opened)
  const sources = openSources(logins, steadyClock, opened)
  const others = () => ({ broker: availability(broker.isConnected), ...sources.states() })
  const url = await serveApi(
    {
      database,
      log,
      timers,
      jwtSecret: required(config, 'JWT_SECRET'),
      metricsToken: config.METRICS_TOKEN,
      readiness: (phase) => readinessOf(phase, database, others),
      cache,
      broker,
      bus,
      results,
      ...sources,
      consumption,
      // No gateway for text messages is known yet.
      sms: undefined,
      kick: () => outbox.kick(),
    },
    { host: HOST, port: Number(config.PORT), drainMs: DRAIN_MS },
    opened,
  )
  log.info({ url }, 'the API is ready')
}
