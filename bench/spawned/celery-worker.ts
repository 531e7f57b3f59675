/** A worker of ours as production has it, with tasks that do nothing. It works from the first question to the last answer. */
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import type { Reserve } from '#src/celery/admission.ts'
import { CeleryNode } from '#src/celery/node.ts'
import { defineTask } from '#src/celery/task.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { answerParent } from '../support/child.ts'

export interface WorkerOrder {
  readonly brokerUrl: string
  readonly redisUrl: string
  /** The most urgent first. */
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly reserve?: Reserve
}

const parse = (): object => ({})

const tasks = [
  defineTask({ name: 'bench.noop', acksLate: true, parse, handler: () => null }),
  defineTask({
    name: 'bench.pause',
    acksLate: true,
    ignoreResult: true,
    parse,
    handler: () => new Promise((resolve) => void setTimeout(resolve, 5)),
  }),
  // The kernel's monotonic clock, which all processes share.
  defineTask({ name: 'bench.urgent', acksLate: true, parse, handler: () => Number(process.hrtime.bigint()) / 1e6 }),
]

let node: CeleryNode | undefined
const opened = new AsyncDisposableStack()

/** Starts with an order, stops with `stop`. */
answerParent(async (order: WorkerOrder | 'stop'): Promise<'done'> => {
  if (order === 'stop') {
    await node?.close()
    await opened.disposeAsync()
    return 'done'
  }
  const { brokerUrl, redisUrl, ...work } = order
  const log = createLogger('warn')
  const connect = (name: string) => opened.use(rabbitmqBroker({ url: brokerUrl, log, name, timers }))
  const broker = connect('worker')
  const results = opened.use(redisResults({ url: redisUrl, log }))
  node = new CeleryNode({ ...work, name: `bench-${process.pid}@bench`, broker, tasks, results, timers, log })
  await node.start()
  return 'done'
})
