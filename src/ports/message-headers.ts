/**
 * The table of headers of an AMQP message. A number names its wire type, because JavaScript libraries guess one and
 * Python's reads their guess (int16) as a string: a real Celery worker then reconnects for ever.
 */
export interface Headers {
  readonly [name: string]: HeaderValue | undefined
}

export type HeaderValue = string | boolean | null | HeaderNumber | readonly HeaderValue[] | Headers

/** Headers as they arrive: numbers are plain. `headersFromReceived` makes them sendable again. */
export interface ReceivedHeaders {
  readonly [name: string]: ReceivedHeaderValue | undefined
}

export type ReceivedHeaderValue =
  | string
  | boolean
  | null
  | number
  | Buffer
  | Date
  | readonly ReceivedHeaderValue[]
  | ReceivedHeaders

/** A number and its AMQP type. Made by `int32`, `int64`, `double` and `headerNumber`. */
export class HeaderNumber {
  readonly type: 'int32' | 'int64' | 'double'
  readonly value: number

  constructor(type: HeaderNumber['type'], value: number) {
    this.type = type
    this.value = value
  }
}

/** @throws RangeError when `value` is no integer of 32 bits */
export function int32(value: number): HeaderNumber {
  if (Math.trunc(value) !== value || value < -(2 ** 31) || value > 2 ** 31 - 1) {
    throw new RangeError(`${value} is no 32-bit integer`)
  }
  return new HeaderNumber('int32', value)
}

/**
 * For integers that 32 bits do not hold. Negative ones are refused: Python reads this type as unsigned.
 *
 * @throws RangeError when `value` is no safe integer, or negative
 */
export function int64(value: number): HeaderNumber {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no safe integer from 0`)
  return new HeaderNumber('int64', value)
}

export function double(value: number): HeaderNumber {
  return new HeaderNumber('double', value)
}

/** The narrowest type that Python reads back unchanged: int32, else int64, else double. */
export function headerNumber(value: number): HeaderNumber {
  if (Number.isSafeInteger(value)) {
    if (value >= -(2 ** 31) && value <= 2 ** 31 - 1) return int32(value)
    if (value >= 0) return int64(value)
  }
  return double(value)
}

/** Received headers, fit to be sent on. Raw bytes and timestamps, which Celery never puts there, are left out. */
export function headersFromReceived(received: ReceivedHeaders): Headers {
  const headers: Record<string, HeaderValue> = {}
  for (const [name, value] of Object.entries(received)) {
    const sendable = value === undefined ? undefined : headerFromReceived(value)
    if (sendable !== undefined) headers[name] = sendable
  }
  return headers
}

function headerFromReceived(value: ReceivedHeaderValue): HeaderValue | undefined {
  if (typeof value === 'number') return headerNumber(value)
  if (value === null || typeof value !== 'object') return value
  if (Buffer.isBuffer(value) || value instanceof Date) return undefined
  if (isList(value)) return value.map(headerFromReceived).filter((item) => item !== undefined)
  return headersFromReceived(value)
}

/** What a receiver of `headers` sees: a deep copy with plain numbers. */
export function headersAsReceived(headers: Headers): ReceivedHeaders {
  const received: Record<string, ReceivedHeaderValue> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) received[name] = headerAsReceived(value)
  }
  return received
}

function headerAsReceived(value: HeaderValue): ReceivedHeaderValue {
  if (value instanceof HeaderNumber) return value.value
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map(headerAsReceived)
  return headersAsReceived(value)
}

/** `Array.isArray` does not narrow read-only arrays. */
function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}
