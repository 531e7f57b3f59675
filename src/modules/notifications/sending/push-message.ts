import { hash } from 'node:crypto'
import type { Push, PushTarget } from '#src/ports/push-gateway.ts'
import type { Payload } from '../payload.ts'
import type { Priority } from '../priorities.ts'
import { delivered } from '../types.ts'

export interface Message extends Payload {
  readonly id: string
  readonly priority: Priority
  /** Past this it is not sent any more. */
  readonly expiresAt: Date | null
}

/** One notification as it leaves: what is the same for all devices is made once. */
export function pushesOf(message: Message): (deviceId: string, target: PushTarget) => Push {
  const { id, type, title, body, priority, expiresAt } = message
  const { ttlMs, collapseKey, link } = delivered(type, { notificationId: id, data: message.data })
  const common = {
    title,
    body,
    ttlMs,
    link,
    ...(collapseKey === undefined ? {} : { collapseKey }),
    ...(expiresAt === null ? {} : { expiresAt }),
    data: { ...message.data, notification_id: id, type },
    urgency: priority === 'urgent' || priority === 'high' ? 'high' : 'normal',
    lane: priority === 'urgent' ? 'urgent' : 'bulk',
  } as const
  return (deviceId, target) => ({ ...common, messageId: messageIdOf(id, deviceId), target })
}

/** The same UUID (version 8: by our own recipe) for every attempt, so that an app can drop a duplicate. */
export function messageIdOf(notificationId: string, deviceId: string): string {
  const digest = hash('sha256', `${notificationId}/${deviceId}`, 'buffer')
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = digest.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
