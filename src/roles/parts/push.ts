import { type FcmGatewayOptions, fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import type { Config } from '#src/config/load.ts'
import type { CloseStack } from '#src/core/lifecycle.ts'
import type { Logger } from '#src/core/logger.ts'
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

export function openPush(address: PushAddress, log: Logger, opened: CloseStack): PushGateway {
  try {
    return opened.use('push gateway', fcmGateway({ ...address, drainMs: DRAIN_MS, log }))
  } catch (error) {
    if (error instanceof PushGatewayUnusable)
      throw new Refusal(`FCM_CREDENTIALS_FILE: ${error.message}`, { cause: error })
    throw error
  }
}
