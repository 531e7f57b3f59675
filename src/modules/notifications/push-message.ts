import { createHash } from 'node:crypto'
import type { Push, PushTarget } from '#src/ports/push-gateway.ts'
import type { Payload } from './payload.ts'
import type { Priority } from './priorities.ts'

export interface Message extends Payload {
  readonly id: string
  readonly priority: Priority
}

/** An outage is over, or a balance another, by then. */
const TTL_MS = 4 * 3_600_000

/** One notification as it leaves for one device. */
export function toPush(message: Message, deviceId: string, target: PushTarget): Push {
  return {
    messageId: messageIdOf(message.id, deviceId),
    target,
    title: message.title,
    body: message.body,
    data: { ...message.data, notification_id: message.id, type: message.type },
    urgency: message.priority === 'urgent' || message.priority === 'high' ? 'high' : 'normal',
    ttlMs: TTL_MS,
    lane: message.priority === 'urgent' ? 'urgent' : 'bulk',
  }
}

/** The same UUID (version 8: by our own recipe) for every attempt, so that an app can drop a duplicate. */
export function messageIdOf(notificationId: string, deviceId: string): string {
  const digest = createHash('sha256').update(`${notificationId}/${deviceId}`).digest()
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  return digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
