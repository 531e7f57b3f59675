/** Our gateway as a worker has it: so many pushes, with as many under way as one `sendEach` takes. */
import { fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import { createLogger } from '#src/core/logger.ts'
import type { PushGateway } from '#src/ports/push-gateway.ts'
import { benchPush } from '../support/bench-push.ts'
import { answerParent } from '../support/child.ts'
import { type SendOrder, type SendTime, timed } from '../support/send-time.ts'

const AT_A_TIME = 500
const gateways = new Map<string, PushGateway>()

function gatewayTo({ baseUrl, credentialsFile, caFile }: SendOrder): PushGateway {
  const known = gateways.get(baseUrl)
  if (known !== undefined) return known
  const gateway = fcmGateway({ baseUrl, credentialsFile, caFile, log: createLogger('warn', process.stderr) })
  gateways.set(baseUrl, gateway)
  return gateway
}

answerParent(async (order: SendOrder): Promise<SendTime> => {
  const gateway = gatewayTo(order)
  return await timed(async () => {
    let next = order.first
    let failures = 0
    const sendOn = async (): Promise<void> => {
      while (next < order.first + order.count) {
        const { state } = await gateway.send(benchPush(next++))
        if (state !== 'sent') failures += 1
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, sendOn))
    return failures
  })
})
