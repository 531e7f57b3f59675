import type { SqlType, SqlValue } from '../sql-type.ts'
import { type ByteReader, ProtocolError } from './bytes.ts'
import * as calendar from './calendar.ts'
import { decimalText } from './decimal.ts'
import type { WireType } from './type-info.ts'
import { CHUNKS_NULL, MONEY_SCALE, SHORT_NULL, swapGuidGroups, tickBytes, type TimeType } from './value-layout.ts'
import { decodeWindows1252 } from './windows-1252.ts'

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
      return guidText(swapGuidGroups(expectBytes(bytes, 16)))
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
  const magnitude = BigInt(`0x${Buffer.from(bytes.subarray(1).toReversed()).toString('hex') || '0'}`)
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

function guidText(bytes: Buffer): string {
  const hex = bytes.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function expectBytes(bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw new ProtocolError(`value of ${bytes.length} bytes, ${length} expected`)
  return bytes
}
