import { randomUUID } from 'node:crypto'
import type { Broker } from '#src/ports/broker.ts'
import { double, headerNumber } from '#src/ports/message-headers.ts'
import type { Logger } from '#src/core/logger.ts'
import type { Timers } from '#src/core/timers.ts'
import type { LamportClock } from '../lamport-clock.ts'
import { readPythonJson, writePythonJson } from '../python-json.ts'
import { CONTROL_EXCHANGE, MAILBOX_ARGUMENTS, REPLY_EXCHANGE } from './control-request.ts'
import type { RevokedTasks } from './revoked-tasks.ts'

export interface MingleOptions {
  readonly broker: Broker
  readonly node: string
  readonly clock: LamportClock
  readonly revoked: RevokedTasks
  readonly timers: Timers
  readonly log: Logger
  /** How long the other nodes have to answer. Who they are is not known, so all of it is waited. */
  readonly waitMs: number
}

/**
 * Before the first task: asks every other node, of either language, what is revoked. Never throws: a worker that knows
 * less still works.
 */
export async function mingle(options: MingleOptions): Promise<void> {
  const { broker, log } = options
  const queue = `${randomUUID()}.reply.celery.pidbox`
  try {
    await broker.connected()
    await ask(options, queue)
  } catch (error) {
    log.warn({ err: error }, 'the other nodes could not be asked what is revoked')
  }
}

async function ask({ broker, node, clock, revoked, timers, log, waitMs }: MingleOptions, queue: string): Promise<void> {
  const routingKey = queue.slice(0, 36)
  await broker.declareExchange(CONTROL_EXCHANGE)
  await broker.declareExchange(REPLY_EXCHANGE)
  await broker.declareQueue({
    name: queue,
    durable: false,
    exclusive: true,
    autoDelete: true,
    arguments: MAILBOX_ARGUMENTS,
  })
  await broker.bindQueue(queue, REPLY_EXCHANGE.name, routingKey)
  let answers = 0
  const consumer = await broker.consume(queue, { prefetch: 0, noAck: true }, ({ body, headers }) => {
    clock.adjust(headers['clock'])
    for (const answer of answersIn(body, node)) {
      answers += 1
      revoked.addFromWire(answer.revoked)
      clock.adjust(answer.clock)
    }
  })
  const request = {
    method: 'hello',
    arguments: { from_node: node, revoked: revoked.toWire() },
    destination: null,
    pattern: null,
    matcher: null,
    ticket: randomUUID(),
    reply_to: { exchange: REPLY_EXCHANGE.name, routing_key: routingKey },
  }
  await broker.publish({
    exchange: CONTROL_EXCHANGE.name,
    routingKey: '',
    properties: { contentType: 'application/json', contentEncoding: 'utf-8', deliveryMode: 2, priority: 0 },
    headers: { clock: headerNumber(clock.forward()), expires: double((timers.now() + waitMs) / 1000) },
    body: Buffer.from(writePythonJson(request)),
  })
  await new Promise<void>((resolve) => timers.after(waitMs, resolve))
  await consumer.close()
  if (answers > 0) log.info({ nodes: answers }, 'learned from other nodes what is revoked')
}

/** `{node: {revoked, clock}}`; from ourselves it is null. */
function answersIn(body: Buffer, node: string): { readonly revoked?: unknown; readonly clock?: unknown }[] {
  try {
    const replies = readPythonJson(body.toString('utf8'))
    if (replies === null || typeof replies !== 'object') return []
    const others = Object.entries(replies).filter(([name]) => name !== node)
    return others
      .map(([, reply]: [string, unknown]) => reply)
      .filter((reply) => reply !== null && typeof reply === 'object')
  } catch {
    return []
  }
}
