import { memoryBroker } from '#src/adapters/broker/memory.ts'
import { rabbitmqBroker } from '#src/adapters/broker/rabbitmq.ts'
import { memoryCache } from '#src/adapters/cache/memory.ts'
import { redisCache } from '#src/adapters/cache/redis.ts'
import { memoryEventBus } from '#src/adapters/event-bus/memory.ts'
import { redisEventBus } from '#src/adapters/event-bus/redis.ts'
import { memoryResults } from '#src/adapters/results/memory.ts'
import { redisResults } from '#src/adapters/results/redis.ts'
import type { Config } from '#src/config/load.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { systemTimers as timers } from '#src/core/timers.ts'
import type { Broker } from '#src/ports/broker.ts'
import type { Cache } from '#src/ports/cache.ts'
import type { EventBus } from '#src/ports/event-bus.ts'
import type { ResultStore } from '#src/ports/result-store.ts'

/** What a setting replaces by the real thing, one at a time; without it, a stand-in inside the process. */
export interface Replaceable {
  /** A connection of its own for each who asks, named in the broker's list. */
  readonly connect: (name: string) => Broker
  /** Whether what the broker held at the last stop is gone with it. */
  readonly brokerStartsEmpty: boolean
  readonly bus: EventBus
  readonly cache: Cache
  readonly results: ResultStore
}

export function openReplaceable(config: Config, log: Logger, opened: CloseStack): Replaceable {
  return { ...openBroker(config.BROKER_URL, log, opened), ...openRedis(config.REDIS_URL, log, opened) }
}

function openBroker(url: string | undefined, log: Logger, opened: CloseStack) {
  const server = url === undefined ? memoryBroker() : undefined
  const open = (name: string): Broker =>
    server?.connect() ?? rabbitmqBroker({ url: url ?? '', log, name: `samaconso ${name}`, timers })
  return {
    connect: (name: string) => opened.use(`broker connection of ${name}`, open(name)),
    brokerStartsEmpty: server !== undefined,
  }
}

function openRedis(url: string | undefined, log: Logger, opened: CloseStack) {
  return {
    bus: opened.use('event bus', url === undefined ? memoryEventBus({ log }) : redisEventBus({ url, log })),
    cache: opened.use('cache', url === undefined ? memoryCache() : redisCache({ url, log })),
    results: opened.use('results', url === undefined ? memoryResults() : redisResults({ url, log })),
  }
}
