import type { SqlType, SqlValue } from '../sql-type.ts'
import { type ByteReader, ByteWriter, ProtocolError } from './bytes.ts'
import * as calendar from './calendar.ts'
import { decimalText, scaledInteger } from './decimal.ts'
import { decimalBytes, type WireType } from './type-info.ts'
import { decodeWindows1252, encodeWindows1252 } from './windows-1252.ts'

const SHORT_NULL = 0xffff
const CHUNKS_NULL = 0xffff_ffff_ffff_ffffn
const MONEY_SCALE = 4

/** Writes one value as the type that `writeTypeInfo` announced. Throws RangeError when the text is no such value. */
export function writeValue(writer: ByteWriter, type: SqlType, value: SqlValue): void {
  const isInChunks = (type.kind === 'text' || type.kind === 'binary') && type.length === 'max'
  if (isInChunks) return writeChunks(writer, value === null ? null : encode(type, value))
  const hasShortLength = type.kind === 'text' || type.kind === 'binary'
  if (value === null || type.kind === 'null') return void (hasShortLength ? writer.u16(SHORT_NULL) : writer.u8(0))
  const bytes = encode(type, value)
  if (hasShortLength) writer.u16(bytes.length)
  else writer.u8(bytes.length)
  writer.bytes(bytes)
}

function writeChunks(writer: ByteWriter, bytes: Buffer | null): void {
  if (bytes === null) return void writer.u64(CHUNKS_NULL)
  writer.u64(BigInt(bytes.length))
  if (bytes.length > 0) {
    writer.u32(bytes.length)
    writer.bytes(bytes)
  }
  writer.u32(0)
}

function encode(type: SqlType, value: string): Buffer {
  if (type.kind === 'text') return encodeText(type, value)
  const writer = new ByteWriter(32)
  encodeInto(writer, type, value)
  return writer.finish()
}

function encodeText(type: Extract<SqlType, { kind: 'text' }>, value: string): Buffer {
  // A value longer than its column was announced would break the stream's framing for clients that trust the type.
  const fitting = type.length === 'max' ? value : value.slice(0, type.length)
  const padded = type.fixed && type.length !== 'max' ? fitting.padEnd(type.length) : fitting
  return type.unicode ? Buffer.from(padded, 'utf16le') : encodeWindows1252(padded)
}

function encodeInto(writer: ByteWriter, type: SqlType, value: string): void {
  switch (type.kind) {
    case 'bit':
      return void writer.u8(value === '0' || value === 'f' ? 0 : 1)
    case 'integer':
      return encodeInteger(writer, type.bytes, BigInt(value))
    case 'float':
      return void (type.bytes === 4 ? writer.f32(Number(value)) : writer.f64(Number(value)))
    case 'decimal':
      return encodeDecimal(writer, type.precision, scaledInteger(value, type.scale))
    case 'money':
      return encodeMoney(writer, type.bytes, scaledInteger(value, MONEY_SCALE))
    case 'uniqueidentifier':
      return writer.bytes(swapGuid(Buffer.from(value.replaceAll('-', ''), 'hex')))
    case 'binary':
      return writer.bytes(Buffer.from(value.replace(/^(\\x|0x)/i, ''), 'hex'))
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
    case 'datetimeoffset':
    case 'date':
    case 'time':
      return encodeTime(writer, type, calendar.parseWallTime(value))
  }
}

function encodeInteger(writer: ByteWriter, bytes: 1 | 2 | 4 | 8, value: bigint): void {
  if (bytes === 8) writer.i64(value)
  else if (bytes === 4) writer.i32(Number(value))
  else if (bytes === 2) writer.i16(Number(value))
  else writer.u8(Number(value))
}

function encodeDecimal(writer: ByteWriter, precision: number, scaled: bigint): void {
  const magnitude = scaled < 0n ? -scaled : scaled
  const bytes = decimalBytes(precision)
  if (magnitude >= 1n << BigInt(bytes * 8)) throw new RangeError('decimal beyond its precision')
  writer.u8(scaled < 0n ? 0 : 1)
  for (let rest = magnitude, written = 0; written < bytes; written += 4, rest >>= 32n) {
    writer.u32(Number(rest & 0xffff_ffffn))
  }
}

function encodeMoney(writer: ByteWriter, bytes: 4 | 8, scaled: bigint): void {
  if (bytes === 4) return void writer.i32(Number(scaled))
  // The high half goes first, each half little-endian.
  writer.i32(Number(scaled >> 32n))
  writer.u32(Number(scaled & 0xffff_ffffn))
}

type TimeType = Extract<
  SqlType,
  { kind: 'datetime' | 'smalldatetime' | 'datetime2' | 'datetimeoffset' | 'date' | 'time' }
>

function encodeTime(writer: ByteWriter, type: TimeType, time: calendar.WallTime): void {
  switch (type.kind) {
    case 'datetime':
      writer.i32(calendar.daysSince1900(time.unixDay))
      return void writer.u32(calendar.threeHundredths(time))
    case 'smalldatetime':
      writer.u16(calendar.daysSince1900(time.unixDay))
      return void writer.u16(Math.round(time.seconds / 60))
    case 'date':
      return void writer.uint(calendar.daysSinceYear1(time.unixDay), 3)
    case 'time':
      return void writer.uint(calendar.ticksOfDay(time, type.scale), tickBytes(type.scale))
    case 'datetime2':
      writer.uint(calendar.ticksOfDay(time, type.scale), tickBytes(type.scale))
      return void writer.uint(calendar.daysSinceYear1(time.unixDay), 3)
    case 'datetimeoffset':
      return encodeOffsetTime(writer, type.scale, time)
  }
}

/** The moment travels as UTC beside the offset of its wall clock. */
function encodeOffsetTime(writer: ByteWriter, scale: number, time: calendar.WallTime): void {
  const seconds = time.seconds - time.offsetMinutes * 60
  const utc = {
    ...time,
    unixDay: time.unixDay + Math.floor(seconds / 86_400),
    seconds: ((seconds % 86_400) + 86_400) % 86_400,
  }
  writer.uint(calendar.ticksOfDay(utc, scale), tickBytes(scale))
  writer.uint(calendar.daysSinceYear1(utc.unixDay), 3)
  writer.i16(time.offsetMinutes)
}

const tickBytes = (scale: number): 3 | 4 | 5 => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5)

/** Reads one value that stands behind its TYPE_INFO. */
export function readValue(reader: ByteReader, wire: WireType): SqlValue {
  const bytes = readFramed(reader, wire)
  return bytes === null ? null : decode(wire.type, bytes)
}

function readFramed(reader: ByteReader, { framing, type }: WireType): Buffer | null {
  switch (framing.kind) {
    case 'fixed':
      return type.kind === 'null' ? null : reader.take(framing.bytes)
    case 'byte': {
      const length = reader.u8()
      return length === 0 ? null : reader.take(length)
    }
    case 'short': {
      const length = reader.u16()
      return length === SHORT_NULL ? null : reader.take(length)
    }
    case 'long': {
      const length = reader.i32()
      return length === -1 ? null : reader.take(length)
    }
    case 'chunks':
      return readChunks(reader)
  }
}

function readChunks(reader: ByteReader): Buffer | null {
  if (reader.u64() === CHUNKS_NULL) return null
  const chunks: Buffer[] = []
  for (let length = reader.u32(); length > 0; length = reader.u32()) chunks.push(reader.take(length))
  return Buffer.concat(chunks)
}

function decode(type: SqlType, bytes: Buffer): SqlValue {
  switch (type.kind) {
    case 'null':
      return null
    case 'bit':
      return bytes.readUInt8() === 0 ? '0' : '1'
    case 'integer':
      return bytes.length === 1 ? String(bytes.readUInt8()) : decodeInteger(bytes)
    case 'float':
      return String(bytes.length === 4 ? expectBytes(bytes, 4).readFloatLE() : expectBytes(bytes, 8).readDoubleLE())
    case 'decimal':
      return decimalText(decodeDecimal(bytes), type.scale)
    case 'money':
      return decimalText(decodeMoney(bytes), MONEY_SCALE)
    case 'uniqueidentifier':
      return guidText(swapGuid(expectBytes(bytes, 16)))
    case 'binary':
      return `\\x${bytes.toString('hex')}`
    case 'text':
      return type.unicode ? bytes.toString('utf16le') : decodeWindows1252(bytes)
    default:
      return decodeTime(type, bytes)
  }
}

function decodeInteger(bytes: Buffer): string {
  if (bytes.length === 8) return bytes.readBigInt64LE().toString()
  return String(bytes.length === 4 ? bytes.readInt32LE() : expectBytes(bytes, 2).readInt16LE())
}

function decodeDecimal(bytes: Buffer): bigint {
  const magnitude = BigInt(`0x${Buffer.from(bytes.subarray(1)).reverse().toString('hex') || '0'}`)
  return bytes.readUInt8() === 0 ? -magnitude : magnitude
}

function decodeMoney(bytes: Buffer): bigint {
  if (bytes.length === 4) return BigInt(bytes.readInt32LE())
  return (BigInt(expectBytes(bytes, 8).readInt32LE()) << 32n) | BigInt(bytes.readUInt32LE(4))
}

function decodeTime(type: TimeType, bytes: Buffer): string {
  if (type.kind === 'datetime' || type.kind === 'smalldatetime') return decodeDatetime(bytes)
  if (type.kind === 'date') return calendar.dateText(calendar.unixDaySinceYear1(expectBytes(bytes, 3).readUIntLE(0, 3)))
  const size = tickBytes(type.scale)
  const offsetBytes = type.kind === 'datetimeoffset' ? 2 : 0
  expectBytes(bytes, size + (type.kind === 'time' ? 0 : 3) + offsetBytes)
  const ticks = bytes.readUIntLE(0, size)
  const time = calendar.timeText(ticks, type.scale)
  if (type.kind === 'time') return time
  const date = calendar.dateText(calendar.unixDaySinceYear1(bytes.readUIntLE(size, 3)))
  // The moment itself is kept and its wall clock dropped: PostgreSQL's timestamptz knows no other.
  return `${date} ${time}${type.kind === 'datetimeoffset' ? '+00' : ''}`
}

function decodeDatetime(bytes: Buffer): string {
  if (bytes.length === 4) {
    const date = calendar.dateText(calendar.unixDaySince1900(bytes.readUInt16LE()))
    return `${date} ${calendar.timeText(bytes.readUInt16LE(2) * 60, 0)}`
  }
  const date = calendar.dateText(calendar.unixDaySince1900(expectBytes(bytes, 8).readInt32LE()))
  const milliseconds = Math.round((bytes.readUInt32LE(4) * 10) / 3)
  return `${date} ${calendar.timeText(milliseconds, 3)}`
}

/** The first three groups of a GUID travel little-endian. */
function swapGuid(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  return swapped
}

function guidText(bytes: Buffer): string {
  const hex = bytes.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function expectBytes(bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw new ProtocolError(`value of ${bytes.length} bytes, ${length} expected`)
  return bytes
}
