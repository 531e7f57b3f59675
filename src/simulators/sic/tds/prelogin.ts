import { ByteReader, ByteWriter, ProtocolError } from './bytes.ts'

export const ENCRYPT = { off: 0x00, on: 0x01, notSupported: 0x02, required: 0x03 } as const
export type EncryptByte = (typeof ENCRYPT)[keyof typeof ENCRYPT]

const OPTION = {
  version: 0x00,
  encryption: 0x01,
  instance: 0x02,
  threadId: 0x03,
  mars: 0x04,
  terminator: 0xff,
} as const

/** SQL Server 2019. */
export const SERVER_VERSION = { major: 15, minor: 0, build: 4430 } as const

/** What the server is willing to encrypt: nothing, at least the login, or everything. */
export type Encryption = 'off' | 'login' | 'all'
/** What the connection then encrypts. */
export type AgreedEncryption = 'nothing' | 'login' | 'everything'

/** The client's encryption byte; absent means off. */
export function decodePrelogin(payload: Buffer): { encryption: EncryptByte } {
  const reader = new ByteReader(payload)
  let encryption: number = ENCRYPT.off
  for (let option = reader.u8(); option !== OPTION.terminator; option = reader.u8()) {
    const offset = reader.u16be()
    const length = reader.u16be()
    if (offset + length > payload.length) throw new ProtocolError('prelogin option outside of its message')
    if (option === OPTION.encryption && length > 0) encryption = payload.readUInt8(offset)
  }
  if (!isEncryptByte(encryption)) throw new ProtocolError(`encryption ${encryption} in prelogin`)
  return { encryption }
}

function isEncryptByte(value: number): value is EncryptByte {
  return value <= ENCRYPT.required
}

/**
 * What the server answers and what follows. `agreed` is undefined where the two cannot agree: the answer still
 * goes out, so that the client can say why, and then the connection ends.
 */
export function negotiate(
  client: EncryptByte,
  server: Encryption,
): { answer: EncryptByte; agreed: AgreedEncryption | undefined } {
  if (server === 'off') {
    const isContent = client === ENCRYPT.off || client === ENCRYPT.notSupported
    return { answer: ENCRYPT.notSupported, agreed: isContent ? 'nothing' : undefined }
  }
  if (client === ENCRYPT.on || client === ENCRYPT.required) return { answer: ENCRYPT.on, agreed: 'everything' }
  if (server === 'all') {
    return { answer: ENCRYPT.required, agreed: client === ENCRYPT.off ? 'everything' : undefined }
  }
  if (client === ENCRYPT.notSupported) return { answer: ENCRYPT.notSupported, agreed: 'nothing' }
  return { answer: ENCRYPT.off, agreed: 'login' }
}

export function encodePrelogin(encryption: EncryptByte): Buffer {
  const version = Buffer.alloc(6)
  version.writeUInt8(SERVER_VERSION.major, 0)
  version.writeUInt8(SERVER_VERSION.minor, 1)
  version.writeUInt16BE(SERVER_VERSION.build, 2)
  const options: [number, Buffer][] = [
    [OPTION.version, version],
    [OPTION.encryption, Buffer.from([encryption])],
    [OPTION.instance, Buffer.from([0])],
    [OPTION.threadId, Buffer.alloc(0)],
    [OPTION.mars, Buffer.from([0])],
  ]
  const writer = new ByteWriter()
  let offset = options.length * 5 + 1
  for (const [option, data] of options) {
    writer.u8(option)
    writer.u16be(offset)
    writer.u16be(data.length)
    offset += data.length
  }
  writer.u8(OPTION.terminator)
  for (const [, data] of options) writer.bytes(data)
  return writer.finish()
}
