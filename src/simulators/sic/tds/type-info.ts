import { nvarchar, type SqlType, varchar } from '../sql-type.ts'
import { type ByteReader, type ByteWriter, ProtocolError } from './bytes.ts'

/** French_CI_AS: language 0x040C, ignoring case, kana and width but not accents. */
export const COLLATION = Buffer.from([0x0c, 0x04, 0xd0, 0x00, 0x00])

export const TYPE = {
  null: 0x1f,
  image: 0x22,
  text: 0x23,
  uniqueidentifier: 0x24,
  intN: 0x26,
  date: 0x28,
  time: 0x29,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
  int1: 0x30,
  bit: 0x32,
  int2: 0x34,
  int4: 0x38,
  smalldatetime: 0x3a,
  float4: 0x3b,
  money: 0x3c,
  datetime: 0x3d,
  float8: 0x3e,
  ntext: 0x63,
  bitN: 0x68,
  decimalN: 0x6a,
  numericN: 0x6c,
  floatN: 0x6d,
  moneyN: 0x6e,
  datetimeN: 0x6f,
  money4: 0x7a,
  int8: 0x7f,
  varbinary: 0xa5,
  varchar: 0xa7,
  binary: 0xad,
  char: 0xaf,
  nvarchar: 0xe7,
  nchar: 0xef,
} as const

/** A length field of character and binary types that says: in chunks, of any length. */
const MAX_LENGTH = 0xffff

/** How a value's length is written before it. */
export type Framing =
  | { readonly kind: 'fixed'; readonly bytes: number }
  | { readonly kind: 'byte' }
  | { readonly kind: 'short' }
  | { readonly kind: 'chunks' }
  | { readonly kind: 'long' }

export interface WireType {
  readonly type: SqlType
  readonly framing: Framing
}

const FIXED_TYPES = new Map<number, WireType>([
  [TYPE.null, { type: { kind: 'null' }, framing: { kind: 'fixed', bytes: 0 } }],
  [TYPE.int1, { type: { kind: 'integer', bytes: 1 }, framing: { kind: 'fixed', bytes: 1 } }],
  [TYPE.bit, { type: { kind: 'bit' }, framing: { kind: 'fixed', bytes: 1 } }],
  [TYPE.int2, { type: { kind: 'integer', bytes: 2 }, framing: { kind: 'fixed', bytes: 2 } }],
  [TYPE.int4, { type: { kind: 'integer', bytes: 4 }, framing: { kind: 'fixed', bytes: 4 } }],
  [TYPE.int8, { type: { kind: 'integer', bytes: 8 }, framing: { kind: 'fixed', bytes: 8 } }],
  [TYPE.float4, { type: { kind: 'float', bytes: 4 }, framing: { kind: 'fixed', bytes: 4 } }],
  [TYPE.float8, { type: { kind: 'float', bytes: 8 }, framing: { kind: 'fixed', bytes: 8 } }],
  [TYPE.money, { type: { kind: 'money', bytes: 8 }, framing: { kind: 'fixed', bytes: 8 } }],
  [TYPE.money4, { type: { kind: 'money', bytes: 4 }, framing: { kind: 'fixed', bytes: 4 } }],
  [TYPE.datetime, { type: { kind: 'datetime' }, framing: { kind: 'fixed', bytes: 8 } }],
  [TYPE.smalldatetime, { type: { kind: 'smalldatetime' }, framing: { kind: 'fixed', bytes: 4 } }],
])

/** Reads a TYPE_INFO, as it stands before a parameter's value. */
export function readTypeInfo(reader: ByteReader): WireType {
  const token = reader.u8()
  const fixed = FIXED_TYPES.get(token)
  if (fixed !== undefined) return fixed
  switch (token) {
    case TYPE.date:
      return { type: { kind: 'date' }, framing: { kind: 'byte' } }
    case TYPE.time:
    case TYPE.datetime2:
    case TYPE.datetimeoffset:
      return readTimeType(token, reader)
    case TYPE.decimalN:
    case TYPE.numericN:
      return readDecimalType(reader)
    case TYPE.uniqueidentifier:
      reader.u8()
      return { type: { kind: 'uniqueidentifier' }, framing: { kind: 'byte' } }
    case TYPE.varchar:
    case TYPE.char:
    case TYPE.nvarchar:
    case TYPE.nchar:
      return readCharacterType(token, reader)
    case TYPE.varbinary:
    case TYPE.binary:
      return readBinaryType(token, reader)
    case TYPE.text:
    case TYPE.ntext:
      reader.u32()
      reader.take(COLLATION.length)
      return { type: token === TYPE.text ? varchar('max') : nvarchar('max'), framing: { kind: 'long' } }
    case TYPE.image:
      reader.u32()
      return { type: { kind: 'binary', fixed: false, length: 'max' }, framing: { kind: 'long' } }
    default:
      return { type: readSizedType(token, reader.u8()), framing: { kind: 'byte' } }
  }
}

function readSizedType(token: number, bytes: number): SqlType {
  if (token === TYPE.bitN && bytes === 1) return { kind: 'bit' }
  if (token === TYPE.intN && (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8)) {
    return { kind: 'integer', bytes }
  }
  if (token === TYPE.floatN && (bytes === 4 || bytes === 8)) return { kind: 'float', bytes }
  if (token === TYPE.moneyN && (bytes === 4 || bytes === 8)) return { kind: 'money', bytes }
  if (token === TYPE.datetimeN && bytes === 4) return { kind: 'smalldatetime' }
  if (token === TYPE.datetimeN && bytes === 8) return { kind: 'datetime' }
  throw new ProtocolError(`type 0x${token.toString(16)} of ${bytes} bytes`)
}

function readTimeType(token: number, reader: ByteReader): WireType {
  const scale = reader.u8()
  if (scale > 7) throw new ProtocolError(`time of scale ${scale}`)
  const kind = token === TYPE.time ? 'time' : token === TYPE.datetime2 ? 'datetime2' : 'datetimeoffset'
  return { type: { kind, scale }, framing: { kind: 'byte' } }
}

function readDecimalType(reader: ByteReader): WireType {
  reader.u8()
  const [precision, scale] = [reader.u8(), reader.u8()]
  if (precision < 1 || precision > 38 || scale > precision) {
    throw new ProtocolError(`decimal(${precision}, ${scale})`)
  }
  return { type: { kind: 'decimal', precision, scale }, framing: { kind: 'byte' } }
}

function readCharacterType(token: number, reader: ByteReader): WireType {
  const unicode = token === TYPE.nvarchar || token === TYPE.nchar
  const fixed = token === TYPE.char || token === TYPE.nchar
  const bytes = reader.u16()
  reader.take(COLLATION.length)
  if (bytes === MAX_LENGTH) {
    return { type: { kind: 'text', unicode, fixed, length: 'max' }, framing: { kind: 'chunks' } }
  }
  const length = Math.max(1, unicode ? bytes / 2 : bytes)
  return { type: { kind: 'text', unicode, fixed, length }, framing: { kind: 'short' } }
}

function readBinaryType(token: number, reader: ByteReader): WireType {
  const bytes = reader.u16()
  const isMax = bytes === MAX_LENGTH
  const type: SqlType = { kind: 'binary', fixed: token === TYPE.binary, length: isMax ? 'max' : Math.max(1, bytes) }
  return { type, framing: { kind: isMax ? 'chunks' : 'short' } }
}

/** Writes the nullable variant of each type: a result's columns can always hold NULL here. */
export function writeTypeInfo(writer: ByteWriter, type: SqlType): void {
  switch (type.kind) {
    case 'null':
      return writeSized(writer, TYPE.intN, 4)
    case 'bit':
      return writeSized(writer, TYPE.bitN, 1)
    case 'integer':
      return writeSized(writer, TYPE.intN, type.bytes)
    case 'float':
      return writeSized(writer, TYPE.floatN, type.bytes)
    case 'money':
      return writeSized(writer, TYPE.moneyN, type.bytes)
    case 'datetime':
      return writeSized(writer, TYPE.datetimeN, 8)
    case 'smalldatetime':
      return writeSized(writer, TYPE.datetimeN, 4)
    case 'uniqueidentifier':
      return writeSized(writer, TYPE.uniqueidentifier, 16)
    case 'date':
      return void writer.u8(TYPE.date)
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return writeSized(writer, TYPE[type.kind], type.scale)
    case 'decimal':
      writeSized(writer, TYPE.numericN, decimalBytes(type.precision) + 1)
      writer.u8(type.precision)
      writer.u8(type.scale)
      return
    case 'text':
      writer.u8(textToken(type))
      writer.u16(type.length === 'max' ? MAX_LENGTH : type.length * (type.unicode ? 2 : 1))
      return writer.bytes(COLLATION)
    case 'binary':
      writer.u8(type.fixed ? TYPE.binary : TYPE.varbinary)
      writer.u16(type.length === 'max' ? MAX_LENGTH : type.length)
  }
}

function writeSized(writer: ByteWriter, token: number, size: number): void {
  writer.u8(token)
  writer.u8(size)
}

function textToken(type: Extract<SqlType, { kind: 'text' }>): number {
  // A fixed type cannot be in chunks.
  if (type.fixed && type.length !== 'max') return type.unicode ? TYPE.nchar : TYPE.char
  return type.unicode ? TYPE.nvarchar : TYPE.varchar
}

export function decimalBytes(precision: number): 4 | 8 | 12 | 16 {
  if (precision <= 9) return 4
  if (precision <= 19) return 8
  return precision <= 28 ? 12 : 16
}
