import { RateLimitInvalid } from '../rate-limits.ts'
import { pythonRepr } from '../python-repr.ts'
import { type Arguments, type Command, CommandFailed, type ControlledNode } from './command.ts'

/** What `celery control` and Flower's buttons change while the worker runs. */
export const workerCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['rate_limit', { required: ['task_name', 'rate_limit'], run: rateLimit }],
  ['time_limit', { run: timeLimit }],
  ['pool_grow', { run: (node, args) => resize(node, count(args), 'pool will grow') }],
  ['pool_shrink', { run: (node, args) => resize(node, -count(args), 'pool will shrink') }],
  ['autoscale', { run: () => ({ error: "ValueError('Autoscale not enabled')" }) }],
  ['pool_restart', { run: () => ({ error: "ValueError('Pool restarts not enabled')" }) }],
  ['add_consumer', { required: ['queue'], run: addConsumer }],
  ['cancel_consumer', { required: ['queue'], run: cancelConsumer }],
  ['enable_events', { run: ({ events }) => eventsAnswer(events.enable(true), 'enabled') }],
  ['disable_events', { run: ({ events }) => eventsAnswer(events.enable(false), 'disabled') }],
  ['heartbeat', { run: heartbeat }],
  ['shutdown', { run: ({ shutdown }) => shutdown() }],
  // Celery's way to choose one node among many. Nothing here needs it.
  ['election', { run: () => null }],
])

function rateLimit({ worker }: ControlledNode, { task_name: name, rate_limit: limit }: Arguments): unknown {
  if (typeof name !== 'string' || !worker.tasks.has(name)) return { error: 'unknown task' }
  try {
    worker.setRateLimit(name, typeof limit === 'string' || typeof limit === 'number' ? limit : null)
  } catch (error) {
    if (error instanceof RateLimitInvalid) throw new CommandFailed(error.message)
    throw error
  }
  const isOff = limit === 0 || limit === '0' || limit === null || limit === ''
  return { ok: isOff ? 'rate limit disabled successfully' : 'new rate limit set successfully' }
}

function timeLimit({ worker }: ControlledNode, { task_name: name, soft, hard }: Arguments): unknown {
  if (typeof name !== 'string' || !worker.tasks.has(name)) return { error: 'unknown task' }
  const ms = (seconds: unknown): number | undefined =>
    typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined
  worker.setTimeLimits(name, { softMs: ms(soft), hardMs: ms(hard) })
  return { ok: 'time limits set successfully' }
}

function count({ n }: Arguments): number {
  const value = Number(n ?? 1)
  if (!Number.isSafeInteger(value) || value < 0)
    throw new CommandFailed(`ValueError("not a number of tasks: ${pythonRepr(n)}")`)
  return value
}

function resize({ worker }: ControlledNode, change: number, ok: string): unknown {
  const concurrency = worker.concurrency + change
  if (concurrency < 1) throw new CommandFailed('ValueError("Can\'t shrink pool below one task at a time.")')
  worker.resize(concurrency)
  return { ok }
}

/** Answered before it is done: a client waits for a second at most. */
function addConsumer(node: ControlledNode, args: Arguments): unknown {
  const queue = String(args['queue'])
  const { exchange, exchange_type: type } = args
  if ((type ?? 'direct') !== 'direct' || (exchange ?? queue) !== queue) {
    throw new CommandFailed(`ValueError('only queues on a direct exchange of their own name')`)
  }
  void node.worker.addQueue(queue).catch((error: unknown) => {
    node.log.error({ err: error, queue }, 'the queue cannot be consumed')
  })
  return { ok: `add consumer ${queue}` }
}

function cancelConsumer(node: ControlledNode, args: Arguments): unknown {
  const queue = String(args['queue'])
  void node.worker.removeQueue(queue).catch((error: unknown) => {
    node.log.error({ err: error, queue }, 'the queue could not be given up')
  })
  return { ok: `no longer consuming from ${queue}` }
}

function eventsAnswer(hasChanged: boolean, state: 'enabled' | 'disabled'): unknown {
  return { ok: hasChanged ? `task events ${state}` : `task events already ${state}` }
}

function heartbeat({ heart }: ControlledNode): null {
  heart.beatNow()
  return null
}
