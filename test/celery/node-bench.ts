import { memoryBroker } from '#src/adapters/broker/memory.ts'
import { memoryResults } from '#src/adapters/results/memory.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { REPLY_EXCHANGE } from '#src/celery/control/control-request.ts'
import { CeleryNode, type CeleryNodeOptions } from '#src/celery/node.ts'
import { readPythonJson, writePythonJson } from '#src/celery/python-json.ts'
import { decodeResult, type ResultRecord } from '#src/celery/results/result-text.ts'
import type { Task } from '#src/celery/task.ts'
import { createLogger } from '#src/core/logger.ts'
import type { Delivery } from '#src/ports/broker.ts'
import type { Headers } from '#src/ports/message-headers.ts'
import { settled, VirtualTime } from './virtual-time.ts'

export interface HeardEvent {
  readonly routingKey: string
  readonly headers: Delivery['headers']
  readonly properties: Delivery['properties']
  readonly body: Readonly<Record<string, unknown>>
  /** It came in a list. */
  readonly wasBatched: boolean
}

/** Nodes on a broker and results in the process, with a clock that the test moves; and someone who asks and listens. */
export function nodeBench(tasks: readonly Task[], options: Partial<CeleryNodeOptions> = {}) {
  const time = new VirtualTime()
  const server = memoryBroker({ timers: time })
  const outside = server.connect()
  const results = memoryResults({ clock: time.now })
  const client = new CeleryClient({ broker: outside, clock: time.now, origin: 'gen1@test' })
  const closing: (() => Promise<void>)[] = []
  const events: HeardEvent[] = []
  let tickets = 0

  const makeNode = (own: Partial<CeleryNodeOptions> = {}) => {
    const broker = server.connect()
    const node = new CeleryNode({
      name: 'worker1@test',
      broker,
      results,
      tasks,
      queues: ['q'],
      concurrency: 4,
      events: true,
      mingleMs: 0,
      queueOf: () => 'q',
      timers: time,
      log: createLogger('silent'),
      random: () => 0.5,
      ...options,
      ...own,
    })
    closing.unshift(async () => {
      const closed = node.close()
      await time.pass(60_000)
      await closed
      await broker[Symbol.asyncDispose]()
    })
    return { node, broker }
  }

  return {
    time,
    server,
    outside,
    results,
    client,
    /** What was told since `listen`. */
    events,
    makeNode,
    async startNode(own: Partial<CeleryNodeOptions> = {}) {
      const made = makeNode(own)
      const started = made.node.start()
      await time.pass(own.mingleMs ?? 0)
      await started
      return made
    },
    send: async (task: string, id: string, args: readonly unknown[] = [], more: object = {}) =>
      await client.sendTask({ task, queue: 'q', id, args, ...more }),
    async result(id: string): Promise<ResultRecord | undefined> {
      await settled()
      const text = await results.read(id)
      return text === undefined ? undefined : decodeResult(text)
    },
    async listen(): Promise<void> {
      await outside.declareExchange({ name: 'celeryev', type: 'topic' })
      await outside.declareQueue({ name: 'listener' })
      await outside.bindQueue('listener', 'celeryev', '#')
      await outside.consume('listener', { prefetch: 0, noAck: true }, ({ routingKey, headers, properties, body }) => {
        const content = readPythonJson(body.toString())
        const wasBatched = Array.isArray(content)
        for (const event of wasBatched ? content : [content]) {
          events.push({ routingKey, headers, properties, body: event as HeardEvent['body'], wasBatched })
        }
      })
    },
    /** Asks as a client does; the answers of all nodes that gave one at once. */
    async ask(method: string, args: object = {}, more: object = {}, headers: Headers = {}) {
      const key = `asker-${(tickets += 1)}`
      const replies: { readonly headers: Delivery['headers']; readonly body: Record<string, unknown> }[] = []
      await outside.declareExchange(REPLY_EXCHANGE)
      await outside.declareQueue({ name: key, exclusive: true })
      await outside.bindQueue(key, REPLY_EXCHANGE.name, key)
      const consumer = await outside.consume(key, { prefetch: 0, noAck: true }, (reply) =>
        replies.push({
          headers: reply.headers,
          body: readPythonJson(reply.body.toString()) as Record<string, unknown>,
        }),
      )
      const request = {
        method,
        arguments: args,
        destination: null,
        pattern: null,
        matcher: null,
        ticket: key,
        reply_to: { exchange: REPLY_EXCHANGE.name, routing_key: key },
        ...more,
      }
      await outside.publish({
        exchange: 'celery.pidbox',
        routingKey: '',
        properties: { contentType: 'application/json', contentEncoding: 'utf-8' },
        headers,
        body: Buffer.from(writePythonJson(request)),
      })
      await settled()
      await consumer.close()
      return replies
    },
    /** The answer of the one node that is there. */
    async askOne(method: string, args: object = {}): Promise<unknown> {
      const [reply] = await this.ask(method, args)
      return Object.values(reply?.body ?? {})[0]
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const close of closing) await close()
      await outside[Symbol.asyncDispose]()
    },
  }
}
