import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { redisEventBus } from '#src/adapters/event-bus/redis.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import { type Config, loadConfig, required } from '#src/config/load.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import { createLogger, type Logger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { openDatabase } from '#src/database/database.ts'
import { Refusal, type Run } from './command.ts'
import { startOutbox } from './parts/outbox.ts'
import { openPush, pushAddress, pushPace } from './parts/push.ts'
import { untilAnswered } from './parts/until-answered.ts'
import { startWorker, TASKS_AT_A_TIME, WORKERS } from './parts/worker.ts'
import { runUntilStopped } from './run-until-stopped.ts'

const QUEUES = WORKERS.flat()
const MOST_TASKS_AT_A_TIME = 64

export const run: Run = async (args, env) => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      queues: { type: 'string' },
      concurrency: { type: 'string', default: String(TASKS_AT_A_TIME) },
      name: { type: 'string', default: `worker-${process.pid}` },
    },
  })
  const queues = queuesOf(values.queues)
  const concurrency = concurrencyOf(values.concurrency)
  const name = `${values.name}@${hostname()}`
  const config = loadConfig('worker', env)
  const log = createLogger(config.LOG_LEVEL ?? 'info')
  return runUntilStopped(log, (opened) => start(config, { name, queues, concurrency }, log, opened))
}

interface Work {
  readonly name: string
  readonly queues: readonly string[]
  readonly concurrency: number
}

async function start(config: Config, work: Work, log: Logger, opened: CloseStack): Promise<void> {
  const database = opened.add('database', openDatabase({ url: required(config, 'DATABASE_URL'), log }))
  const { db } = database
  await untilAnswered('the database', () => db.selectFrom('outbox').select('key').limit(1).execute(), log)
  const url = required(config, 'BROKER_URL')
  const connect = (name: string) => opened.use(name, rabbitmqBroker({ url, log, name, timers }))
  const outbox = startOutbox({ db, broker: connect('worker, publishing'), timers, log }, opened)
  const push = openPush(
    { credentialsFile: required(config, 'FCM_CREDENTIALS_FILE'), ...pushAddress(config) },
    pushPace(config, WORKERS.length),
    log,
    opened,
  )
  const kick = (): void => outbox.kick()
  const broker = connect('worker')
  const bus = opened.use('event bus', redisEventBus({ url: required(config, 'REDIS_URL'), log }))
  const results = opened.use('results', redisResults({ url: required(config, 'REDIS_URL'), log }))
  const onShutdown = (): void => void process.kill(process.pid, 'SIGTERM')
  const parts = { db, broker, bus, push, timers, log, kick, results, isReachable: true, onShutdown }
  await startWorker({ ...parts, ...work }, opened)
  log.info(work, 'the worker is ready')
}

/** In the order of their urgency, whatever the order of the words. */
function queuesOf(text: string | undefined): string[] {
  const given = (text ?? '').split(',').map((name) => name.trim())
  const unknown = given.filter((name) => !QUEUES.includes(name))
  if (unknown.length > 0) {
    const what =
      text === undefined
        ? 'worker needs --queues'
        : `there is no queue ${unknown.map((name) => `"${name}"`).join(', ')}`
    throw new Refusal(`${what}: name some of ${QUEUES.join(', ')}`)
  }
  return QUEUES.filter((queue) => given.includes(queue))
}

function concurrencyOf(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MOST_TASKS_AT_A_TIME) return count
  throw new Refusal(`--concurrency takes a number from 1 to ${MOST_TASKS_AT_A_TIME}`)
}
