/** Persistent messages of 500 bytes, published with confirms, delivered and acked: by our adapter, and by bare amqplib. */
import { connect } from 'amqplib'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import { answerParent } from '../support/child.ts'

export interface MessageLoop {
  readonly url: string
  readonly by: 'adapter' | 'amqplib'
  readonly messages: number
}

const QUEUE = 'bench.messages'
const PREFETCH = 64
const MOST_UNCONFIRMED = 1_000
const BODY = Buffer.alloc(500, 'x')

/** Messages per second, from the first publish to the last ack, both at the same time. */
answerParent(async ({ url, by, messages }: MessageLoop): Promise<number> => {
  const elapsedMs = await (by === 'adapter' ? byAdapter(url, messages) : byLibrary(url, messages))
  return (messages / elapsedMs) * 1_000
})

async function byAdapter(url: string, messages: number): Promise<number> {
  const log = createLogger('warn', process.stderr)
  await using publishing = rabbitmqBroker({ url, log, name: 'bench, publishing', timers })
  await using consuming = rabbitmqBroker({ url, log, name: 'bench, consuming', timers })
  await Promise.all([publishing.connected(), consuming.connected()])
  await consuming.declareQueue({ name: QUEUE })
  const all = Promise.withResolvers<void>()
  let acked = 0
  const startedAt = performance.now()
  await consuming.consume(QUEUE, { prefetch: PREFETCH }, (delivery) => {
    delivery.ack()
    acked += 1
    if (acked === messages) all.resolve()
  })
  const message = { exchange: '', routingKey: QUEUE, properties: { deliveryMode: 2 }, headers: {}, body: BODY } as const
  await Promise.all(Array.from({ length: messages }, () => publishing.publish(message)))
  await all.promise
  return performance.now() - startedAt
}

async function byLibrary(url: string, messages: number): Promise<number> {
  const [publishing, consuming] = await Promise.all([connect(url), connect(url)])
  const [out, back] = await Promise.all([publishing.createConfirmChannel(), consuming.createChannel()])
  await back.assertQueue(QUEUE)
  await back.prefetch(PREFETCH)
  const all = Promise.withResolvers<void>()
  let acked = 0
  const startedAt = performance.now()
  await back.consume(QUEUE, (message) => {
    if (message !== null) back.ack(message)
    acked += 1
    if (acked === messages) all.resolve()
  })
  for (let sent = 0; sent < messages; sent += 1) {
    out.publish('', QUEUE, BODY, { deliveryMode: 2 })
    if (sent % MOST_UNCONFIRMED === MOST_UNCONFIRMED - 1) await out.waitForConfirms()
  }
  await out.waitForConfirms()
  await all.promise
  const elapsedMs = performance.now() - startedAt
  await Promise.all([publishing.close(), consuming.close()])
  return elapsedMs
}
