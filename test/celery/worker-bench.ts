import { CeleryClient } from '#src/celery/client.ts'
import { decodeTaskMessage, type TaskMessage } from '#src/celery/decode.ts'
import type { TaskObserver } from '#src/celery/observer.ts'
import { defineTask, type Task } from '#src/celery/task.ts'
import type { CeleryWorkerOptions } from '#src/celery/worker-options.ts'
import { CeleryWorker } from '#src/celery/worker.ts'
import { createLogger } from '#src/core/logger.ts'
import { memoryBroker } from '#src/adapters/broker/memory.ts'
import type { Delivery } from '#src/ports/broker.ts'
import { settled, VirtualTime } from './virtual-time.ts'

/** A worker on its own connection to a broker in the process, with a clock that the test moves. */
export function workerBench(tasks: readonly Task[], options: Partial<CeleryWorkerOptions> = {}) {
  const time = new VirtualTime()
  const server = memoryBroker({ timers: time })
  const broker = server.connect()
  const outside = server.connect()
  const log: string[] = []
  const observer = recordingObserver(log)
  const worker = new CeleryWorker({
    broker,
    tasks,
    queues: ['q'],
    concurrency: 4,
    observers: [observer],
    timers: time,
    log: createLogger('silent'),
    random: () => 0.5,
    ...options,
  })
  const client = new CeleryClient({ broker: outside, clock: time.now, origin: 'gen1@test' })

  return {
    time,
    server,
    /** The worker's connection. */
    broker,
    /** A connection that is not the worker's. */
    outside,
    worker,
    client,
    /** What the observer heard, such as `succeeded id`. */
    log,
    send: (task: string, id: string, kwargs: Record<string, unknown> = {}, more: object = {}) =>
      client.sendTask({ task, queue: 'q', id, kwargs, ...more }),
    /** Waiting in the queue, not delivered. */
    async ready(queue = 'q'): Promise<number> {
      await settled()
      return (await outside.countQueue(queue)).messages
    },
    /** Ends the worker and tells what is left in the queue, in order. */
    async leftovers(queue = 'q'): Promise<(TaskMessage & Pick<Delivery, 'redelivered'>)[]> {
      const closing = worker.close()
      await time.pass(60_000)
      await closing
      const left: Delivery[] = []
      const consumer = await outside.consume(queue, { prefetch: 0 }, (delivery) => left.push(delivery))
      await settled()
      await consumer.close()
      return left.map((delivery) => ({ ...decodeTaskMessage(delivery), redelivered: delivery.redelivered }))
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const closing = worker.close()
      await time.pass(60_000)
      await closing
      await outside[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function recordingObserver(log: string[]): TaskObserver {
  const note = (text: string): void => void log.push(text)
  return {
    received: ({ message }) => note(`received ${message.envelope.id}`),
    started: ({ message }) => note(`started ${message.envelope.id}`),
    succeeded: ({ message }, result) => note(`succeeded ${message.envelope.id} ${JSON.stringify(result)}`),
    failed: ({ message }, error) => note(`failed ${message.envelope.id} ${textOf(error)}`),
    retried: ({ message }, error) => note(`retried ${message.envelope.id} ${textOf(error)}`),
    revoked: ({ message }, reason) => note(`revoked ${message.envelope.id} ${reason}`),
    rejected: ({ message }, requeue) => note(`rejected ${message.envelope.id} ${requeue}`),
    unreadable: (_delivery, error) => note(`unreadable ${error.reason}`),
  }
}

/** A handler that runs until the test lets go of it. */
export class Gate {
  readonly entered: string[] = []
  readonly #waiting = new Map<string, PromiseWithResolvers<unknown>>()

  pass(id: string): Promise<unknown> {
    this.entered.push(id)
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    return waiting.promise
  }

  async open(id: string, result?: unknown): Promise<void> {
    this.#waiting.get(id)?.resolve(result)
    await settled()
  }

  async fail(id: string, error: unknown): Promise<void> {
    this.#waiting.get(id)?.reject(error)
    await settled()
  }
}

export const anything = (kwargs: Readonly<Record<string, unknown>>) => kwargs

/** A task `t` that each call leaves waiting at the gate under its id. */
export function gated(gate: Gate, acksLate = true) {
  return defineTask({ name: 't', acksLate, parse: anything, handler: (_kwargs, { taskId }) => gate.pass(taskId) })
}
