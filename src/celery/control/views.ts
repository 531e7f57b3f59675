import type { PreparedRequest } from '../execution.ts'
import { isWritable } from '../python-json.ts'
import { argsRepr, pythonRepr } from '../python-repr.ts'
import { formatPythonTime } from '../python-time.ts'
import type { RunningTask } from '../running-tasks.ts'
import type { WorkerRequests } from '../worker-options.ts'

type View = Readonly<Record<string, unknown>>

/** A task in hand as `celery inspect` shows it. `isSafe` gives its arguments as text, as do arguments that are no JSON. */
export function requestView(request: PreparedRequest, node: string, isSafe = false, running?: RunningTask): View {
  const { message, delivery, task } = request
  const { envelope, args, kwargs } = message
  const asText = isSafe || !isWritable([args, kwargs])
  return {
    id: envelope.id,
    name: envelope.task,
    args: asText ? envelope.argsrepr || argsRepr(args) : args,
    kwargs: asText ? envelope.kwargsrepr || pythonRepr(kwargs) : kwargs,
    type: envelope.task,
    hostname: node,
    time_start: running === undefined ? null : running.startedAt / 1000,
    // Early ack is at the start.
    acknowledged: running !== undefined && !task.acksLate,
    delivery_info: {
      exchange: delivery.exchange,
      routing_key: delivery.routingKey,
      priority: envelope.priority ?? 0,
      redelivered: delivery.redelivered,
    },
    worker_pid: running === undefined ? null : process.pid,
  }
}

/** The priority is that of Celery's timer, and always the same. */
export function scheduledView({ etaAt, request }: WorkerRequests['scheduled'][number], node: string): View {
  return { eta: formatPythonTime(etaAt), priority: 6, request: requestView(request, node) }
}

/** A consumed queue with every field that Celery's own has: Flower's page needs most of them. */
export function queueView(name: string): View {
  return {
    name,
    exchange: {
      name,
      type: 'direct',
      arguments: null,
      durable: true,
      passive: false,
      auto_delete: false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: name,
    queue_arguments: null,
    binding_arguments: null,
    consumer_arguments: null,
    durable: true,
    exclusive: false,
    auto_delete: false,
    no_ack: false,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: null,
  }
}
