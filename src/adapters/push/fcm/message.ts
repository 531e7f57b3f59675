import { createHash } from 'node:crypto'
import type { Push } from '#src/ports/push-gateway.ts'

/** FCM's limit on what a message carries, in bytes of UTF-8. */
export const PAYLOAD_LIMIT_BYTES = 4096
/** FCM keeps no message for longer than four weeks, and refuses one that asks for more. */
const LONGEST_TTL_S = 2_419_200
/** Apple's limit on `apns-collapse-id`. */
const COLLAPSE_KEY_LIMIT_BYTES = 64

/** What FCM counts: the data's keys and values and the notification's texts. */
function payloadBytes(data: Readonly<Record<string, string>>, push: Push): number {
  let bytes = Buffer.byteLength(push.title) + Buffer.byteLength(push.body)
  for (const key in data) bytes += Buffer.byteLength(key) + Buffer.byteLength(data[key] ?? '')
  return bytes
}

/** The body of `messages:send` as it leaves at a time, or undefined when its payload is beyond FCM's limit. */
export function encoderOf(push: Push): ((nowMs: number) => string) | undefined {
  const link = push.link === undefined ? {} : { deep_link: push.link }
  const data = { ...push.data, ...link, message_id: push.messageId }
  if (payloadBytes(data, push) > PAYLOAD_LIMIT_BYTES) return undefined
  return (nowMs) => encode(push, data, nowMs)
}

function encode(push: Push, data: Readonly<Record<string, string>>, nowMs: number): string {
  const isHigh = push.urgency === 'high'
  const leftMs = push.expiresAt === undefined ? push.ttlMs : Math.min(push.ttlMs, push.expiresAt.getTime() - nowMs)
  const ttlS = Math.min(Math.ceil(Math.max(leftMs, 0) / 1000), LONGEST_TTL_S)
  const collapseKey = push.collapseKey === undefined ? undefined : shortened(push.collapseKey)
  const message = {
    [push.target.kind]: push.target.value,
    notification: { title: push.title, body: push.body },
    data,
    android: { priority: isHigh ? 'HIGH' : 'NORMAL', ttl: `${ttlS}s`, collapse_key: collapseKey },
    apns: {
      headers: {
        // Apple's scale: 10 is at once, 5 is when the device's power allows.
        'apns-priority': isHigh ? '10' : '5',
        // A time, not a duration, and 0 for now or never.
        'apns-expiration': ttlS === 0 ? '0' : String(Math.floor(nowMs / 1000) + ttlS),
        'apns-collapse-id': collapseKey,
      },
    },
  }
  return JSON.stringify({ message })
}

/** Only whether two keys are the same matters: one that is too long becomes its digest. */
function shortened(key: string): string {
  return Buffer.byteLength(key) <= COLLAPSE_KEY_LIMIT_BYTES ? key : createHash('sha256').update(key).digest('base64url')
}
