declare global {
  // Node 22 and later have it; the compiler's library does not know it yet.
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** The text is no JSON, not even Python's. */
export class JsonUnreadable extends Error {
  override readonly name = 'JsonUnreadable'
}

/** The value cannot be written so that Python reads the same. */
export class JsonUnwritable extends Error {
  override readonly name = 'JsonUnwritable'
}

/** Python refuses to convert longer integers by default, and reading them costs time with the square of their length. */
const MOST_DIGITS = 4300
/** What makes a text need the slow reading; a hit inside a string only costs that time. */
const NEEDS_CARE = /NaN|Infinity|\d{16}/
const STRING_OR_CONSTANT = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g
/** JSON has no literal for NaN: this one, a zero that nobody writes, stands for it between the two steps. */
const NAN_LITERAL = '-0.0e-0000000'

/**
 * Reads what Python's json writes: `NaN`, `Infinity` and `-Infinity` become numbers, integers beyond 2^53 a BigInt.
 *
 * @throws JsonUnreadable
 */
export function readPythonJson(text: string): unknown {
  try {
    if (!NEEDS_CARE.test(text)) return JSON.parse(text)
    return JSON.parse(text.replaceAll(STRING_OR_CONSTANT, asJson), reviveNumber)
  } catch (error) {
    throw new JsonUnreadable('the text is not JSON', { cause: error })
  }
}

function asJson(token: string): string {
  switch (token) {
    case 'NaN':
      return NAN_LITERAL
    case 'Infinity':
      return '1e999'
    case '-Infinity':
      return '-1e999'
    default:
      return token
  }
}

function reviveNumber(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value
  const source = context?.source ?? ''
  if (source === NAN_LITERAL) return Number.NaN
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value
  if (source.length > MOST_DIGITS) throw new JsonUnreadable(`an integer of ${source.length} digits`)
  return BigInt(source)
}

/**
 * Takes off the wrappers that kombu 5.3 and later put around types that JSON lacks: `{"__type__": T, "__value__": V}`.
 * Dates, decimals and uuids become the text that older versions send anyway, so that a task sees one shape;
 * bytes become a Buffer. Wrappers of unknown types stay.
 */
export function unwrapPythonTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapPythonTypes)
  if (value === null || typeof value !== 'object') return value
  if (isWrapper(value)) return unwrapped(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrapPythonTypes(item)]))
}

interface Wrapper {
  readonly __type__: unknown
  readonly __value__: unknown
}

function isWrapper(value: object): value is Wrapper {
  return '__type__' in value && '__value__' in value && Object.keys(value).length === 2
}

function unwrapped(wrapper: Wrapper): unknown {
  const { __type__: type, __value__: value } = wrapper
  if (type === 'uuid' && value !== null && typeof value === 'object' && 'hex' in value) {
    const hex = String(value.hex)
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
  if (typeof value !== 'string') return wrapper
  switch (type) {
    case 'datetime':
    case 'date':
    case 'time':
    case 'decimal':
      return value
    case 'bytes':
      return Buffer.from(value, 'utf8')
    case 'base64':
      return Buffer.from(value, 'base64')
    default:
      return wrapper
  }
}

/**
 * Writes JSON that any Celery reads back as the same value. A BigInt is an integer, a Buffer a wrapped `base64`
 * (which needs kombu 5.3 on the other side).
 *
 * @throws JsonUnwritable for NaN, infinities, undefined inside a list, functions, Dates (whose text differs between
 *   versions: send it formatted) and objects that Python would take for a wrapper
 */
export function writePythonJson(value: unknown): string {
  return written(value, refuseWrapper)
}

/** False for what `writePythonJson` would refuse, such as arguments that came with NaN. */
export function isWritable(value: unknown): boolean {
  try {
    writePythonJson(value)
    return true
  } catch {
    return false
  }
}

/** As `writePythonJson`, for what `readPythonJson` gave: wrappers in it are real ones. */
export function rewritePythonJson(value: unknown): string {
  return written(value, writable)
}

function written(value: unknown, replacer: (this: unknown, key: string, value: unknown) => unknown): string {
  const text = JSON.stringify(value, replacer)
  if (text === undefined) throw new JsonUnwritable('there is nothing to write')
  return text
}

/** A replacer sees a value after its toJSON: what it was is at the holder. */
function writable(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key]
  if (typeof original === 'bigint') return JSON.rawJSON(String(original))
  if (typeof original === 'number' && !Number.isFinite(original)) throw new JsonUnwritable(`${original} is not JSON`)
  if (original instanceof Date) throw new JsonUnwritable('a Date has no text that every version reads')
  if (typeof original === 'function' || typeof original === 'symbol') throw new JsonUnwritable(`a ${typeof original}`)
  if (original === undefined && Array.isArray(this)) throw new JsonUnwritable('undefined inside a list')
  if (Buffer.isBuffer(original)) return new Base64(original)
  return value
}

function refuseWrapper(this: unknown, key: string, value: unknown): unknown {
  if (value !== null && typeof value === 'object' && isWrapper(value)) {
    throw new JsonUnwritable('an object with exactly __type__ and __value__ would be taken for a wrapper')
  }
  return writable.call(this, key, value)
}

class Base64 implements Wrapper {
  readonly __type__ = 'base64'
  readonly __value__: string

  constructor(bytes: Buffer) {
    this.__value__ = bytes.toString('base64')
  }
}
