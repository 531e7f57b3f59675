import type { Broker } from '#src/ports/broker.ts'

/**
 * A task queue as Celery declares it before the first use: durable, without arguments, bound to a direct exchange of
 * its own name. Anything else and a Python peer's declare is refused.
 */
export async function declareTaskQueue(broker: Broker, name: string): Promise<void> {
  await broker.declareExchange({ name, type: 'direct' })
  await broker.declareQueue({ name })
  await broker.bindQueue(name, name, name)
}
