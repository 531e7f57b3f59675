import { ByteReader, ProtocolError } from './bytes.ts'

/** The oldest dialect with the date types and the message headers that the server writes: TDS 7.3, revision B. */
export const OLDEST_TDS_VERSION = 0x730a0003
export const TDS_7_4 = 0x74000004

export interface Login {
  readonly tdsVersion: number
  readonly packetBytes: number
  readonly userName: string
  readonly password: string
  readonly programName: string
  readonly database: string
  /** Set when the client wants another way than user name and password. */
  readonly isIntegrated: boolean
}

/** Where the pairs of offset and length begin, after the fixed fields. */
const FIELDS_START = 36
const INTEGRATED_SECURITY = 0x80

export function decodeLogin(payload: Buffer): Login {
  const reader = new ByteReader(payload)
  const length = reader.u32()
  if (length > payload.length) throw new ProtocolError('login shorter than it says')
  const tdsVersion = reader.u32()
  const packetBytes = reader.u32()
  reader.take(13)
  const optionFlags2 = reader.u8()
  reader.take(FIELDS_START - reader.position)
  const field = (): Buffer => {
    const offset = reader.u16()
    return new ByteReader(payload, Math.min(offset, payload.length)).take(reader.u16() * 2)
  }
  field()
  const userName = field().toString('utf16le')
  const password = reveal(field()).toString('utf16le')
  const programName = field().toString('utf16le')
  field()
  // The extension's pair counts bytes, not characters; nothing in it is needed.
  reader.take(4)
  field()
  field()
  const database = field().toString('utf16le')
  const isIntegrated = (optionFlags2 & INTEGRATED_SECURITY) !== 0
  return { tdsVersion, packetBytes, userName, password, programName, database, isIntegrated }
}

/** Clients swap the halves of each byte and flip bits: no secrecy, only what the protocol asks. */
function reveal(password: Buffer): Buffer {
  return Buffer.from(
    password.map((byte) => {
      const flipped = byte ^ 0xa5
      return ((flipped << 4) | (flipped >> 4)) & 0xff
    }),
  )
}
