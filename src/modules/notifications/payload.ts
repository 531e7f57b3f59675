import { notificationErrors } from './errors.ts'
import { LONGEST_LINK_BYTES } from './types.ts'

export interface Payload {
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: Readonly<Record<string, string>>
}

export const PAYLOAD_LIMIT_BYTES = 4_096
/** What every push carries besides the sender's words: two UUIDs, a link, and the keys of these and of the type. */
const ENVELOPE_BYTES =
  2 * 36 + LONGEST_LINK_BYTES + ['notification_id', 'message_id', 'deep_link', 'type'].join('').length
/** Ours, and no key at all; `from`, `message_type` and everything that starts with `google` or `gcm` are FCM's. */
const RESERVED_KEYS = new Set([
  '',
  'notification_id',
  'message_id',
  'deep_link',
  'type',
  'from',
  'message_type',
  'collapse_key',
])
const RESERVED_PREFIX = /^(google|gcm)/i

/** Refuses before anything is stored what FCM, or the database, would refuse after it was accepted. */
export function checkPayload(payload: Payload): void {
  const keys = Object.keys(payload.data)
  const texts = [payload.title, payload.body, ...keys, ...Object.values(payload.data)]
  if (!texts.every(isStorable)) throw notificationErrors.invalidText()
  const reserved = keys.filter(isReservedKey)
  if (reserved.length > 0) throw notificationErrors.reservedDataKey({ details: { keys: reserved } })
  const sizeBytes = payloadBytes(payload)
  if (sizeBytes > PAYLOAD_LIMIT_BYTES) {
    throw notificationErrors.payloadTooLarge({ details: { size_bytes: sizeBytes, limit_bytes: PAYLOAD_LIMIT_BYTES } })
  }
}

export function isReservedKey(key: string): boolean {
  return RESERVED_KEYS.has(key) || RESERVED_PREFIX.test(key)
}

/** UTF-8 bytes of the texts and of the data with its keys, as FCM counts them. */
export function payloadBytes({ type, title, body, data }: Payload): number {
  const texts = [type, title, body, ...Object.entries(data).flat()]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), ENVELOPE_BYTES)
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
