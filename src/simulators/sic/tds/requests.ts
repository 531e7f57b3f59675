import type { SqlType, SqlValue } from '../sql-type.ts'
import type { TransactionRequest } from '../tsql/session-transaction.ts'
import { ByteReader, ProtocolError } from './bytes.ts'
import { readTypeInfo } from './type-info.ts'
import { readValue } from './read-value.ts'

/** What clients ask once they are logged in. */

export interface RpcParameter {
  /** With its `@`, or empty where it is positional. */
  readonly name: string
  readonly isByReference: boolean
  readonly type: SqlType
  readonly value: SqlValue
}

export interface RpcCall {
  readonly procedure: string
  readonly parameters: readonly RpcParameter[]
}

export function decodeBatch(payload: Buffer): string {
  const reader = new ByteReader(payload)
  skipHeaders(reader)
  return reader.rest().toString('utf16le')
}

/** Every request begins with ALL_HEADERS: the transaction's descriptor, which our one-request connections do not need. */
function skipHeaders(reader: ByteReader): void {
  const length = reader.u32()
  if (length < 4) throw new ProtocolError(`headers of ${length} bytes`)
  reader.take(length - 4)
}

/** Procedures that clients call by number. */
const NUMBERED_PROCEDURES = new Map([
  [10, 'sp_executesql'],
  [11, 'sp_prepare'],
  [12, 'sp_execute'],
  [13, 'sp_prepexec'],
  [15, 'sp_unprepare'],
])
const BY_NUMBER = 0xffff
const SEPARATORS = new Set([0x80, 0xff, 0xfe])

/** The calls of one request; clients may send several at once. */
export function decodeRpc(payload: Buffer): RpcCall[] {
  const reader = new ByteReader(payload)
  skipHeaders(reader)
  const calls: RpcCall[] = []
  while (reader.remaining > 0) calls.push(decodeCall(reader, payload))
  if (calls.length === 0) throw new ProtocolError('a procedure call without a call')
  return calls
}

function decodeCall(reader: ByteReader, payload: Buffer): RpcCall {
  const nameLength = reader.u16()
  const procedure = nameLength === BY_NUMBER ? procedureByNumber(reader.u16()) : textOf(reader.take(nameLength * 2))
  reader.u16()
  const parameters: RpcParameter[] = []
  while (reader.remaining > 0) {
    if (SEPARATORS.has(payload.readUInt8(reader.position))) {
      reader.u8()
      break
    }
    parameters.push(decodeParameter(reader))
  }
  return { procedure, parameters }
}

function decodeParameter(reader: ByteReader): RpcParameter {
  const name = reader.shortText()
  const isByReference = (reader.u8() & 0x01) !== 0
  const wire = readTypeInfo(reader)
  return { name, isByReference, type: wire.type, value: readValue(reader, wire) }
}

const textOf = (bytes: Buffer): string => bytes.toString('utf16le')
const procedureByNumber = (id: number): string => NUMBERED_PROCEDURES.get(id) ?? `procedure ${id}`

const TRANSACTION_REQUESTS = new Map<number, TransactionRequest>([
  [5, 'begin'],
  [7, 'commit'],
  [8, 'rollback'],
])

/** Undefined for requests of distributed transactions and savepoints, which no client of these databases makes. */
export function decodeTransactionRequest(payload: Buffer): TransactionRequest | undefined {
  const reader = new ByteReader(payload)
  skipHeaders(reader)
  return TRANSACTION_REQUESTS.get(reader.u16())
}
