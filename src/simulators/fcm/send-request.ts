import { type ErrorAnswer, type FieldViolation, invalidArgument, malformedTarget, unreadable } from './google-errors.ts'
import { sendRequest, TARGET_FIELDS } from './message-schema.ts'
import { isObject, type JsonObject, readMessage } from './proto-json.ts'

export interface AcceptedMessage {
  readonly targetKind: (typeof TARGET_FIELDS)[number]
  readonly target: string
  readonly validateOnly: boolean
  readonly message: JsonObject
}

const PAYLOAD_LIMIT_BYTES = 4096
const TOPIC_PAYLOAD_LIMIT_BYTES = 2048
const MAX_TTL_S = 2_419_200

/** Reads and checks one send request in the order of the real one: JSON, then shape, then what FCM itself demands. */
export function readSendRequest(body: string): AcceptedMessage | ErrorAnswer {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return unreadable([{ field: '', description: 'Invalid JSON payload received. Unexpected token.' }])
  }
  if (!isObject(json)) {
    return unreadable([{ field: '', description: 'Invalid JSON payload received. The root must be an object.' }])
  }
  const violations: FieldViolation[] = []
  const request = readMessage(sendRequest, json, '', violations)
  if (violations.length > 0) return unreadable(violations)
  const message = isObject(request['message']) ? request['message'] : {}
  const targetKind = TARGET_FIELDS.find((field) => message[field] !== undefined)
  if (targetKind === undefined) {
    return invalidArgument({ field: 'message', description: 'Recipient of the message is not set.' })
  }
  const target = String(message[targetKind])
  const fault = faultOf(message, targetKind, target)
  return fault ?? { targetKind, target, validateOnly: request['validate_only'] === true, message }
}

function faultOf(message: JsonObject, targetKind: string, target: string): ErrorAnswer | undefined {
  if (target === '') return malformedTarget()
  if (targetKind === 'topic' && !/^(\/topics\/)?[\w.~%-]+$/.test(target)) {
    return invalidArgument({ field: 'message.topic', description: 'Malformed topic name' })
  }
  return reservedKey(message) ?? ttlFault(message) ?? sizeFault(message, targetKind)
}

const isReserved = (key: string): boolean =>
  key === 'from' || key === 'message_type' || key.startsWith('google') || key.startsWith('gcm')

function reservedKey(message: JsonObject): ErrorAnswer | undefined {
  const android = message['android']
  const maps = [
    ['message.data', message['data']],
    ['message.android.data', isObject(android) ? android['data'] : undefined],
  ] as const
  for (const [field, map] of maps) {
    if (!isObject(map)) continue
    const key = Object.keys(map).find(isReserved)
    if (key !== undefined) return invalidArgument({ field, description: `Invalid data payload key: ${key}` })
  }
  return undefined
}

function ttlFault(message: JsonObject): ErrorAnswer | undefined {
  const ttl = isObject(message['android']) ? message['android']['ttl'] : undefined
  if (typeof ttl !== 'string') return undefined
  const seconds = Number(ttl.slice(0, -1))
  if (seconds >= 0 && seconds <= MAX_TTL_S) return undefined
  return invalidArgument({
    field: 'message.android.ttl',
    description: `Invalid TTL: ${ttl} is not in 0 to ${MAX_TTL_S} s`,
  })
}

function sizeFault(message: JsonObject, targetKind: string): ErrorAnswer | undefined {
  const isTopic = targetKind === 'topic' || targetKind === 'condition'
  const limitBytes = isTopic ? TOPIC_PAYLOAD_LIMIT_BYTES : PAYLOAD_LIMIT_BYTES
  const sizeBytes = textBytes(message['data'], true) + textBytes(message['notification'], false)
  if (sizeBytes <= limitBytes) return undefined
  const description = `Message is too big: ${sizeBytes} bytes, at most ${limitBytes}`
  return invalidArgument({ field: 'message', description })
}

/** The keys that an application chose count as payload; the API's own do not. */
function textBytes(map: unknown, withKeys: boolean): number {
  if (!isObject(map)) return 0
  let bytes = 0
  for (const key in map) {
    const value = map[key]
    if (withKeys) bytes += Buffer.byteLength(key)
    if (typeof value === 'string') bytes += Buffer.byteLength(value)
  }
  return bytes
}
