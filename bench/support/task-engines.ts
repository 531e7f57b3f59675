import { createClient } from '@redis/client'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import type { RedisClient } from '#src/adapters/redis/connection.ts'
import { CeleryClient } from '#src/celery/client.ts'
import { createLogger } from '#src/core/logger.ts'
import { systemTimers } from '#src/core/timers.ts'
import type { Broker } from '#src/ports/broker.ts'
import { startRabbitmq } from '#test/support/rabbitmq.ts'
import { startRedis } from '#test/support/redis.ts'

/** A RabbitMQ and a Redis of one's own, and what the benchmark itself does there. */
export interface TaskEngines {
  readonly brokerUrl: string
  readonly redisUrl: string
  readonly broker: Broker
  readonly client: CeleryClient
  /** Where both keep their results, and nothing else. */
  readonly redis: Pick<RedisClient, 'dbSize' | 'flushAll' | 'get'>
}

export async function taskEngines(opened: AsyncDisposableStack): Promise<TaskEngines> {
  const [rabbitmq, redisServer] = await Promise.all([startRabbitmq(), startRedis()])
  opened.defer(() => rabbitmq.stop())
  opened.use(redisServer)
  const log = createLogger('warn', process.stderr)
  const broker = opened.use(rabbitmqBroker({ url: rabbitmq.url, log, name: 'bench', timers: systemTimers }))
  const redis = createClient({ url: redisServer.url })
  opened.defer(() => redis.destroy())
  await Promise.all([broker.connected(), redis.connect()])
  const client = new CeleryClient({ broker, clock: systemTimers.now })
  return { brokerUrl: rabbitmq.url, redisUrl: redisServer.url, broker, client, redis }
}
