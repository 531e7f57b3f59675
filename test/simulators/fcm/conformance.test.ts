import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fcmGateway } from '#src/adapters/push/fcm/fcm-gateway.ts'
import { recorderGateway } from '#src/adapters/push/memory.ts'
import { startFcmSimulator } from '#src/simulators/fcm/fcm-simulator.ts'
import { pushGatewayConformance } from '#test/conformance/push-gateway.ts'
import { captureLog } from '#test/support/log.ts'

interface Listed {
  outcome: string
  message: { data: { message_id: string }; notification: { title: string }; android: { priority: string } }
}

pushGatewayConformance('FCM over the simulator', async () => {
  const { log } = captureLog()
  const dir = mkdtempSync(join(tmpdir(), 'samaconso-fcm-'))
  const simulator = await startFcmSimulator({ host: '127.0.0.1', port: 0, log, dir })
  const { credentialsFile, baseUrl, caFile } = simulator
  return {
    gateway: fcmGateway({ credentialsFile, baseUrl, caFile, log, drainMs: 200 }),
    accepted: async (target) => {
      const response = await fetch(`${simulator.control.url}/messages?target=${target}`)
      const { items } = (await response.json()) as { items: Listed[] }
      return items
        .filter(({ outcome }) => outcome === 'sent')
        .map(({ message }) => ({
          messageId: message.data.message_id,
          title: message.notification.title,
          urgency: message.android.priority === 'HIGH' ? 'high' : 'normal',
        }))
    },
    targetThat: (fate) => ({ is_dead: 'dead-1', is_refused: 'payload-1', is_to_be_retried: 'unavailable-1' })[fate],
    close: async () => {
      await simulator.close()
      rmSync(dir, { recursive: true })
    },
  }
})

pushGatewayConformance('recorder', async () => {
  const gateway = recorderGateway(({ target }) => {
    if (target.value === 'is_dead') return { state: 'dead_target', reason: 'UNREGISTERED' }
    if (target.value === 'is_refused') return { state: 'refused', reason: 'INVALID_ARGUMENT' }
    if (target.value !== 'is_to_be_retried') return undefined
    return { state: 'retry', reason: 'UNAVAILABLE', afterMs: 10_000, maybeSent: false }
  })
  return {
    gateway,
    accepted: async (target) =>
      gateway.pushes
        .filter((push) => push.target.value === target)
        .map(({ messageId, title, urgency }) => ({ messageId, title, urgency })),
    targetThat: (fate) => fate,
    close: async () => undefined,
  }
})
