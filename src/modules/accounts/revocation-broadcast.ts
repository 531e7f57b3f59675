import { randomUUID } from 'node:crypto'
import type { Closeable } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { type Broker, BrokerUnavailable } from '#src/ports/broker.ts'
import type { Revocations } from './revocations.ts'

const EXCHANGE = { name: 'samaconso.ended_sessions', type: 'fanout' } as const

/**
 * Tells every other API process of an ended session at once. A message that is lost costs the second until the
 * next look into the database, so nothing here is confirmed or kept.
 */
export function broadcastRevocations(broker: Broker, revocations: Revocations, log: Logger): Closeable {
  const stopping = new AbortController()
  revocations.onAdded((sessionId) => void announce(broker, sessionId, log))
  const listening = listen(broker, revocations, log, stopping.signal)
  return {
    async close() {
      stopping.abort()
      await listening
    },
  }
}

async function announce(broker: Broker, sessionId: string, log: Logger): Promise<void> {
  try {
    await broker.publish(
      { exchange: EXCHANGE.name, routingKey: '', properties: {}, headers: {}, body: Buffer.from(sessionId) },
      { confirm: false },
    )
  } catch (error) {
    log.debug({ err: error }, 'an ended session was not announced')
  }
}

/** The queue is this connection's own and gone with it: each connection starts anew. */
async function listen(broker: Broker, revocations: Revocations, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await broker.connected(signal)
      const queue = `samaconso.ended_sessions.${randomUUID()}`
      await broker.declareExchange(EXCHANGE)
      await broker.declareQueue({ name: queue, durable: false, exclusive: true, autoDelete: true })
      await broker.bindQueue(queue, EXCHANGE.name, '')
      const consumer = await broker.consume(queue, { prefetch: 0, noAck: true }, (delivery) =>
        revocations.learn(delivery.body.toString('utf8')),
      )
      const stop = (): void => void consumer.close()
      signal.addEventListener('abort', stop, { once: true })
      await consumer.ended
      signal.removeEventListener('abort', stop)
    } catch (error) {
      if (signal.aborted) return
      // Without a connection the next round waits for one; any other refusal would come again at once.
      if (error instanceof BrokerUnavailable) continue
      log.warn({ err: error }, 'ended sessions of other processes are heard of within a second, not at once')
      return
    }
  }
}
