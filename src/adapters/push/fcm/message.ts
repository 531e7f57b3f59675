import type { Push } from '#src/ports/push-gateway.ts'

/** FCM's limit on what a message carries, in bytes of UTF-8. */
export const PAYLOAD_LIMIT_BYTES = 4096

/** What FCM counts: the data's keys and values and the notification's texts. */
function payloadBytes(data: Readonly<Record<string, string>>, push: Push): number {
  let bytes = Buffer.byteLength(push.title) + Buffer.byteLength(push.body)
  for (const key in data) bytes += Buffer.byteLength(key) + Buffer.byteLength(data[key] ?? '')
  return bytes
}

/** The body of `messages:send`, or undefined when its payload is beyond FCM's limit. */
export function encodeMessage(push: Push): string | undefined {
  const data = { ...push.data, message_id: push.messageId }
  if (payloadBytes(data, push) > PAYLOAD_LIMIT_BYTES) return undefined
  const isHigh = push.urgency === 'high'
  const message = {
    [push.target.kind]: push.target.value,
    notification: { title: push.title, body: push.body },
    data,
    android: { priority: isHigh ? 'HIGH' : 'NORMAL' },
    // Apple's scale: 10 is at once, 5 is when the device's power allows.
    apns: { headers: { 'apns-priority': isHigh ? '10' : '5' } },
  }
  return JSON.stringify({ message })
}
