import type { ConsumeMessage, Options } from 'amqplib'
import type { Delivery, MessageProperties, OutgoingMessage, QueueDeclaration } from '#src/ports/broker.ts'
import {
  type Headers,
  type HeaderValue,
  HeaderNumber,
  headerNumber,
  type ReceivedHeaders,
  type ReceivedHeaderValue,
} from '#src/ports/message-headers.ts'

/**
 * A value whose type on the wire is said and not guessed: the library would send 128 to 32767 as 16-bit integers, which
 * no Python client can read.
 */
interface Typed {
  readonly '!': string
  readonly value: number
}

type WireValue = string | boolean | null | Typed | WireValue[] | WireTable
interface WireTable {
  [name: string]: WireValue
}

export function wireProperties(message: OutgoingMessage): Options.Publish {
  return { ...message.properties, headers: wireTable(message.headers) }
}

export function wireArguments(args: NonNullable<QueueDeclaration['arguments']>): WireTable {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      wireValue(typeof value === 'number' ? headerNumber(value) : value),
    ]),
  )
}

function wireTable(headers: Headers): WireTable {
  const table: WireTable = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) table[name] = wireValue(value)
  }
  return table
}

function wireValue(value: HeaderValue): WireValue {
  if (value instanceof HeaderNumber) return { '!': value.type, value: value.value }
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map(wireValue)
  return wireTable(value)
}

export type ReceivedMessage = Omit<Delivery, 'ack' | 'reject'>

export function receivedMessage({ fields, properties, content }: ConsumeMessage): ReceivedMessage {
  return {
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    redelivered: fields.redelivered,
    properties: receivedProperties(properties),
    headers: receivedTable((properties.headers ?? {}) as WireReceivedTable),
    // A copy, since the original would keep the whole chunk alive that was read from the socket.
    body: Buffer.from(content),
  }
}

function receivedProperties(properties: ConsumeMessage['properties']): MessageProperties {
  const known = {
    contentType: properties.contentType as unknown,
    contentEncoding: properties.contentEncoding as unknown,
    deliveryMode: properties.deliveryMode as unknown,
    correlationId: properties.correlationId as unknown,
    replyTo: properties.replyTo as unknown,
    priority: properties.priority as unknown,
    expiration: properties.expiration as unknown,
  }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

/** As the library decodes: types that JavaScript lacks come with their name. */
type WireReceived =
  | string
  | boolean
  | null
  | number
  | Buffer
  | { readonly '!': 'timestamp'; readonly value: number }
  | { readonly '!': 'decimal'; readonly value: { readonly places: number; readonly digits: number } }
  | readonly WireReceived[]
  | WireReceivedTable
interface WireReceivedTable {
  readonly [name: string]: WireReceived
}

export function receivedTable(table: WireReceivedTable): ReceivedHeaders {
  const headers: Record<string, ReceivedHeaderValue> = {}
  for (const [name, value] of Object.entries(table)) headers[name] = receivedValue(value)
  return headers
}

function receivedValue(value: WireReceived): ReceivedHeaderValue {
  if (value === null || typeof value !== 'object') return value
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (isList(value)) return value.map(receivedValue)
  if (isTimestamp(value)) return new Date(value.value * 1000)
  if (isDecimal(value)) return value.value.digits / 10 ** value.value.places
  return receivedTable(value)
}

function isTimestamp(value: object): value is { readonly value: number } {
  return '!' in value && value['!'] === 'timestamp'
}

function isDecimal(value: object): value is { readonly value: { readonly places: number; readonly digits: number } } {
  return '!' in value && value['!'] === 'decimal'
}

/** `Array.isArray` does not narrow read-only arrays. */
function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}
