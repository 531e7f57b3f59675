import { type FcmGatewayOptions, fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import { pacedGateway } from '#src/adapters/push/pace/paced-gateway.ts'
import { LocalQuota, type Quota } from '#src/adapters/push/pace/quota.ts'
import { RedisQuota } from '#src/adapters/push/pace/redis-quota.ts'
import { redisConnection } from '#src/adapters/redis/connection.ts'
import { type Config, required } from '#src/config/load.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
import { steadyClock as clock } from '#src/core/clock.ts'
import { PushGatewayUnusable, type PushGateway } from '#src/ports/push-gateway.ts'
import { Refusal } from '#src/roles/command.ts'

export type PushAddress = Pick<FcmGatewayOptions, 'credentialsFile' | 'baseUrl' | 'caFile' | 'proxyUrl'>

/** What the settings say of FCM; undefined without a service account. */
export function pushAddress(config: Config): PushAddress | undefined {
  const {
    FCM_CREDENTIALS_FILE: credentialsFile,
    FCM_BASE_URL: baseUrl,
    FCM_CA_FILE: caFile,
    FCM_PROXY_URL: proxyUrl,
  } = config
  if (credentialsFile === undefined) return undefined
  return {
    credentialsFile,
    ...(baseUrl !== undefined && { baseUrl }),
    ...(caFile !== undefined && { caFile }),
    ...(proxyUrl !== undefined && { proxyUrl }),
  }
}

/** The time that a stop leaves to the pushes under way; what is not answered by then is sent again. */
const DRAIN_MS = 1_000

export interface PushPace {
  readonly messagesPerMinute: number
  /** How many processes send at this pace. */
  readonly workers: number
  /** Where they share it; undefined when there is no other process. */
  readonly redisUrl: string | undefined
}

export function pushPace(config: Config, workers: number): PushPace {
  return { messagesPerMinute: Number(required(config, 'FCM_QUOTA_PER_MINUTE')), workers, redisUrl: config.REDIS_URL }
}

/** FCM at the pace that its quota allows. */
export function openPush(address: PushAddress, pace: PushPace, log: Logger, opened: CloseStack): PushGateway {
  const gateway = openFcm(address, log)
  return opened.use('push gateway', pacedGateway(gateway, { ...pace, quota: openQuota(pace, log), log }))
}

function openQuota({ messagesPerMinute, workers, redisUrl }: PushPace, log: Logger): Quota {
  if (redisUrl === undefined) return new LocalQuota(messagesPerMinute / workers, clock)
  const redis = redisConnection({ url: redisUrl, log, name: 'push-quota' })
  return new RedisQuota({ redis, messagesPerMinute, workers, clock })
}

function openFcm(address: PushAddress, log: Logger): PushGateway {
  try {
    return fcmGateway({ ...address, drainMs: DRAIN_MS, log })
  } catch (error) {
    if (error instanceof PushGatewayUnusable)
      throw new Refusal(`FCM_CREDENTIALS_FILE: ${error.message}`, { cause: error })
    throw error
  }
}
