import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import { CeleryNode } from '#src/celery/node.ts'
import { defineTask } from '#src/celery/task.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'

const { BROKER_URL: brokerUrl = '', RESULT_URL: resultUrl = '', NODE_NAME: name = '' } = process.env
const log = createLogger('silent')
const broker = rabbitmqBroker({ url: brokerUrl.replace(/\/\/$/, ''), log, name, timers: systemTimers })
const results = redisResults({ url: resultUrl, log })

/** Says that it began, and never ends where it first runs. */
const tasks = [true, false].map((acksLate) =>
  defineTask({
    name: acksLate ? 'node.late' : 'node.early',
    acksLate,
    parse: (kwargs) => kwargs,
    handler: async (_kwargs, { taskId, redelivered, signal }) => {
      console.log(`began ${taskId}`)
      if (redelivered) return 'done'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
      return 'never'
    },
  }),
)
const node = new CeleryNode({
  name,
  broker,
  results,
  tasks,
  queues: ['node'],
  concurrency: 4,
  mingleMs: 0,
  drainMs: 500,
  timers: systemTimers,
  log,
})
await node.start()
process.once('SIGTERM', () => void stop())
console.log('ready')

async function stop(): Promise<void> {
  await node.close()
  await broker[Symbol.asyncDispose]()
  await results[Symbol.asyncDispose]()
}
