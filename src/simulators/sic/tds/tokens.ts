import type { SqlError } from '../sql-error.ts'
import type { SqlType, SqlValue } from '../sql-type.ts'
import { ByteWriter } from './bytes.ts'
import { TDS_7_4 } from './login.ts'
import { SERVER_VERSION } from './prelogin.ts'
import { COLLATION, writeTypeInfo } from './type-info.ts'
import { writeValue } from './write-value.ts'

/** The parts of an answer. Each function gives one whole token. */

const TOKEN = {
  returnStatus: 0x79,
  columnMetadata: 0x81,
  error: 0xaa,
  info: 0xab,
  returnValue: 0xac,
  loginAck: 0xad,
  row: 0xd1,
  environmentChange: 0xe3,
  done: 0xfd,
  doneProcedure: 0xfe,
  doneInProcedure: 0xff,
} as const

export const SERVER_NAME = 'SIC-SIMULATOR'

export interface ResultColumn {
  readonly name: string
  readonly type: SqlType
}

export function columnMetadata(columns: readonly ResultColumn[]): Buffer {
  const writer = new ByteWriter()
  writer.u8(TOKEN.columnMetadata)
  writer.u16(columns.length)
  for (const column of columns) {
    writer.u32(0)
    writer.u16(0x0001) // nullable
    writeTypeInfo(writer, column.type)
    writer.shortText(column.name)
  }
  return writer.finish()
}

export function row(columns: readonly ResultColumn[], values: readonly SqlValue[]): Buffer {
  const writer = new ByteWriter()
  writer.u8(TOKEN.row)
  columns.forEach((column, index) => writeValue(writer, column.type, values[index] ?? null))
  return writer.finish()
}

export interface DoneFlags {
  readonly kind: 'statement' | 'procedure' | 'inProcedure'
  readonly hasMore?: boolean
  readonly isError?: boolean
  readonly isInTransaction?: boolean
  /** Answers the client's attention: everything before it belonged to the cancelled request. */
  readonly isAttention?: boolean
  readonly rowCount?: number
}

const DONE_TOKEN = {
  statement: TOKEN.done,
  procedure: TOKEN.doneProcedure,
  inProcedure: TOKEN.doneInProcedure,
} as const
const SELECT_COMMAND = 0xc1

export function done(flags: DoneFlags): Buffer {
  const writer = new ByteWriter(16)
  writer.u8(DONE_TOKEN[flags.kind])
  writer.u16(
    (flags.hasMore ? 0x01 : 0) |
      (flags.isError ? 0x02 : 0) |
      (flags.isInTransaction ? 0x04 : 0) |
      (flags.rowCount === undefined ? 0 : 0x10) |
      (flags.isAttention ? 0x20 : 0),
  )
  writer.u16(flags.rowCount === undefined ? 0 : SELECT_COMMAND)
  writer.u64(BigInt(flags.rowCount ?? 0))
  return writer.finish()
}

export function error(problem: SqlError): Buffer {
  return message(TOKEN.error, problem)
}

export function info(number: number, text: string): Buffer {
  return message(TOKEN.info, { number, state: 1, severity: 0, message: text, line: 1 })
}

type MessageParts = Pick<SqlError, 'number' | 'state' | 'severity' | 'message' | 'line'>

function message(token: number, parts: MessageParts): Buffer {
  return withLength(token, (writer) => {
    writer.i32(parts.number)
    writer.u8(parts.state)
    writer.u8(parts.severity)
    // The whole token's length has two bytes, so no text can use them all.
    writer.longText(parts.message.slice(0, 8000))
    writer.shortText(SERVER_NAME)
    writer.shortText('')
    writer.u32(parts.line)
  })
}

const CHANGE = { database: 1, language: 2, packetSize: 4, collation: 7, resetConnection: 18 } as const

export const databaseChange = (now: string, before: string): Buffer => textChange(CHANGE.database, now, before)
export const languageChange = (now: string): Buffer => textChange(CHANGE.language, now, '')
export const packetSizeChange = (now: number, before: number): Buffer =>
  textChange(CHANGE.packetSize, String(now), String(before))
export const collationChange = (): Buffer => bytesChange(CHANGE.collation, COLLATION, Buffer.alloc(0))
export const resetConnectionAck = (): Buffer => bytesChange(CHANGE.resetConnection, Buffer.alloc(0), Buffer.alloc(0))

/** Transactions carry a descriptor that the client then repeats with each request. */
export function transactionChange(change: 'begun' | 'committed' | 'rolled back', descriptor: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(descriptor)
  const none = Buffer.alloc(0)
  if (change === 'begun') return bytesChange(8, bytes, none)
  return bytesChange(change === 'committed' ? 9 : 10, none, bytes)
}

function textChange(change: number, now: string, before: string): Buffer {
  return withLength(TOKEN.environmentChange, (writer) => {
    writer.u8(change)
    writer.shortText(now)
    writer.shortText(before)
  })
}

function bytesChange(change: number, now: Buffer, before: Buffer): Buffer {
  return withLength(TOKEN.environmentChange, (writer) => {
    writer.u8(change)
    for (const value of [now, before]) {
      writer.u8(value.length)
      writer.bytes(value)
    }
  })
}

export function loginAck(clientVersion: number): Buffer {
  return withLength(TOKEN.loginAck, (writer) => {
    writer.u8(1) // the T-SQL interface
    writer.u32be(Math.min(clientVersion, TDS_7_4))
    writer.shortText('Microsoft SQL Server')
    writer.u8(SERVER_VERSION.major)
    writer.u8(SERVER_VERSION.minor)
    writer.u16be(SERVER_VERSION.build)
  })
}

export function returnStatus(status: number): Buffer {
  const writer = new ByteWriter(8)
  writer.u8(TOKEN.returnStatus)
  writer.i32(status)
  return writer.finish()
}

/** The last value of a parameter that the client passed by reference. */
export function returnValue(ordinal: number, name: string, type: SqlType, value: SqlValue): Buffer {
  const writer = new ByteWriter()
  writer.u8(TOKEN.returnValue)
  writer.u16(ordinal)
  writer.shortText(name)
  writer.u8(0x01) // an output parameter
  writer.u32(0)
  writer.u16(0)
  writeTypeInfo(writer, type)
  writeValue(writer, type, value)
  return writer.finish()
}

function withLength(token: number, write: (writer: ByteWriter) => void): Buffer {
  const body = new ByteWriter()
  write(body)
  const content = body.finish()
  const writer = new ByteWriter(content.length + 3)
  writer.u8(token)
  writer.u16(content.length)
  writer.bytes(content)
  return writer.finish()
}
