import type { SqlType, SqlValue } from '../sql-type.ts'
import { ByteWriter } from './bytes.ts'
import * as calendar from './calendar.ts'
import { scaledInteger } from './decimal.ts'
import { decimalBytes } from './type-info.ts'
import { encodeWindows1252 } from './windows-1252.ts'

import { CHUNKS_NULL, MONEY_SCALE, SHORT_NULL, swapGuidGroups, tickBytes, type TimeType } from './value-layout.ts'

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

type ScalarType = Exclude<SqlType, { kind: 'text' | 'null' }>

function encode(type: Exclude<SqlType, { kind: 'null' }>, value: string): Buffer {
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

function encodeInto(writer: ByteWriter, type: ScalarType, value: string): void {
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
      return writer.bytes(swapGuidGroups(Buffer.from(value.replaceAll('-', ''), 'hex')))
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
