import type { FieldViolation } from './google-errors.ts'

/**
 * The part of the protocol-buffers JSON mapping that requests to FCM use. A field may be spelled in
 * snake_case or lowerCamelCase, null means unset, an enum may be its name or its number.
 */
export type FieldType =
  | { readonly kind: 'string' | 'bool' | 'int32' | 'float' | 'duration' | 'timestamp' | 'struct' }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'map' }
  | { readonly kind: 'list'; readonly of: FieldType }
  | { readonly kind: 'message'; readonly fields: MessageType }

export interface MessageType {
  /** By every accepted spelling. */
  readonly bySpelling: ReadonlyMap<string, { readonly name: string; readonly type: FieldType }>
  /** At most one of these may be set: the members of the message's `oneof`. */
  readonly oneof: { readonly name: string; readonly members: ReadonlySet<string> } | undefined
}

export type JsonObject = Record<string, unknown>

export const string: FieldType = { kind: 'string' }
export const bool: FieldType = { kind: 'bool' }
export const int32: FieldType = { kind: 'int32' }
export const float: FieldType = { kind: 'float' }
export const duration: FieldType = { kind: 'duration' }
export const timestamp: FieldType = { kind: 'timestamp' }
export const struct: FieldType = { kind: 'struct' }
export const stringMap: FieldType = { kind: 'map' }
export const list = (of: FieldType): FieldType => ({ kind: 'list', of })
export const enumOf = (name: string, ...values: string[]): FieldType => ({ kind: 'enum', name, values })
export const message = (
  fields: Record<string, FieldType>,
  oneof?: { name: string; members: readonly string[] },
): FieldType => ({ kind: 'message', fields: messageType(fields, oneof) })

export function messageType(
  fields: Record<string, FieldType>,
  oneof?: { name: string; members: readonly string[] },
): MessageType {
  const bySpelling = new Map<string, { name: string; type: FieldType }>()
  for (const [name, type] of Object.entries(fields)) {
    bySpelling.set(name, { name, type })
    const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    bySpelling.set(camel, { name, type })
  }
  return { bySpelling, oneof: oneof === undefined ? undefined : { name: oneof.name, members: new Set(oneof.members) } }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Appends what is wrong with `value` to `violations` and returns it with snake_case names where it has other ones. */
export function readMessage(
  type: MessageType,
  value: JsonObject,
  path: string,
  violations: FieldViolation[],
): JsonObject {
  const read: JsonObject = {}
  let chosen: string | undefined
  for (const [spelling, given] of Object.entries(value)) {
    const field = type.bySpelling.get(spelling)
    if (field === undefined) {
      const at = path === '' ? '' : ` at '${path}'`
      const description = `Invalid JSON payload received. Unknown name "${spelling}"${at}: Cannot find field.`
      violations.push({ field: path, description })
      continue
    }
    if (given === null) continue
    if (type.oneof?.members.has(field.name) === true) {
      if (chosen !== undefined) {
        const fault = `oneof field '${type.oneof.name}' is already set. Cannot set '${field.name}'`
        violations.push({ field: path, description: `Invalid value at '${path}' (oneof), ${fault}` })
      }
      chosen = field.name
    }
    const inner = path === '' ? field.name : `${path}.${field.name}`
    read[field.name] = readField(field.type, given, inner, violations)
  }
  return read
}

const DURATION = /^-?\d{1,12}(\.\d{1,9})?s$/
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const DURATION_NAME = 'type.googleapis.com/google.protobuf.Duration'
const TIMESTAMP_NAME = 'type.googleapis.com/google.protobuf.Timestamp'

function readField(type: FieldType, value: unknown, path: string, violations: FieldViolation[]): unknown {
  const refuse = (typeName: string, suffix = ''): void => {
    const description = `Invalid value at '${path}' (${typeName}), ${JSON.stringify(value)}${suffix}`
    violations.push({ field: path, description })
  }
  switch (type.kind) {
    case 'string':
      if (typeof value !== 'string') refuse('TYPE_STRING')
      return value
    case 'bool':
      if (typeof value !== 'boolean') refuse('TYPE_BOOL')
      return value
    case 'int32':
      if (!isInt32(value)) refuse('TYPE_INT32')
      return value
    case 'float':
      if (typeof value !== 'number') refuse('TYPE_FLOAT')
      return value
    case 'duration':
      if (typeof value !== 'string' || !DURATION.test(value)) {
        refuse(DURATION_NAME, typeof value === 'string' ? "; Illegal duration format; duration must end with 's'" : '')
      }
      return value
    case 'timestamp':
      if (typeof value !== 'string' || !TIMESTAMP.test(value)) refuse(TIMESTAMP_NAME)
      return value
    case 'enum':
      if (!isEnumValue(type.values, value)) refuse(`type.googleapis.com/${type.name}`)
      return value
    case 'struct':
      if (!isObject(value)) refuse('type.googleapis.com/google.protobuf.Struct')
      return value
    case 'map':
      if (isObject(value)) readMap(value, path, violations)
      else refuse('Map')
      return value
    case 'list':
      if (!Array.isArray(value)) return refuse('repeated')
      return value.map((item: unknown, index) => readField(type.of, item, `${path}[${index}]`, violations))
    case 'message':
      if (!isObject(value)) return refuse('message')
      return readMessage(type.fields, value, path, violations)
  }
}

const isInt32 = (value: unknown): boolean => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && Math.abs(number) < 2 ** 31
}

const isEnumValue = (values: readonly string[], value: unknown): boolean =>
  typeof value === 'string'
    ? values.includes(value.toUpperCase())
    : typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < values.length

function readMap(map: JsonObject, path: string, violations: FieldViolation[]): void {
  let index = 0
  for (const key in map) {
    const value = map[key]
    if (typeof value !== 'string') {
      const field = `${path}[${index}].value`
      violations.push({ field, description: `Invalid value at '${field}' (TYPE_STRING), ${JSON.stringify(value)}` })
    }
    index += 1
  }
}
