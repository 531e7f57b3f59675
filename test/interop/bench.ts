import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { CeleryNode, type CeleryNodeOptions } from '#src/celery/node.ts'
import type { Task } from '#src/celery/task.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import { startRabbitmq } from '#test/support/rabbitmq.ts'
import { startRedis } from '#test/support/redis.ts'
import { PythonClient, type Engines } from './python-process.ts'
import { type Requirements, venv } from './venv.ts'

/** The real engines, a real Celery, and nodes of ours beside it. */
export async function interopBench(requirements: Requirements = celeryOfThisRun()) {
  const opened = new AsyncDisposableStack()
  const [environment, rabbitmq, redis] = await Promise.all([venv(requirements), startRabbitmq(), startRedis()])
  opened.defer(async () => rabbitmq.stop())
  opened.use(redis)
  const engines: Engines = { brokerUrl: `${rabbitmq.url}//`, resultUrl: redis.url }
  const log = createLogger(process.env['INTEROP_LOG'] ?? 'silent')
  const connect = (name: string) => opened.use(rabbitmqBroker({ url: rabbitmq.url, log, name, timers: systemTimers }))
  const results = opened.use(redisResults({ url: redis.url, log }))
  const publisher = connect('publish')
  const client = new CeleryClient({ broker: publisher, clock: systemTimers.now })
  const python = opened.use(new PythonClient(environment, engines))

  const startNode = async (name: string, tasks: readonly Task[], options: Partial<CeleryNodeOptions> = {}) => {
    const broker = connect(name)
    const node = new CeleryNode({
      name,
      broker,
      publisher,
      results,
      tasks,
      queues: ['node'],
      concurrency: 4,
      events: true,
      mingleMs: 0,
      queueOf: (task) => (task.startsWith('python.') ? 'python' : 'node'),
      brokerUrl: rabbitmq.url,
      timers: systemTimers,
      log,
      drainMs: 1_000,
      abortGraceMs: 200,
      ...options,
    })
    opened.defer(async () => node.close())
    await node.start()
    return { node, broker }
  }

  return {
    rabbitmq,
    redis,
    venv: environment,
    engines,
    results,
    publisher,
    connect,
    client,
    python,
    startNode,
    [Symbol.asyncDispose]: async () => opened.disposeAsync(),
  }
}

/** The same tests run again with another Celery: the tests that do so say which. */
export function celeryOfThisRun(): Requirements {
  return (process.env['INTEROP_CELERY'] ?? 'celery-5.6.3') as Requirements
}
